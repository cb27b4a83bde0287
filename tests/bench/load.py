"""A load client that costs little: raw bytes over one protocol object a connection, no library in between."""

import asyncio
import base64
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import uvloop

from tests.bench.results import Result

T = TypeVar("T")


class Wire(asyncio.Protocol):
    """Bytes that arrive, and who waits for them. What one unit is, a subclass says."""

    def __init__(self) -> None:
        self.bytes = b""
        self.is_lost = False
        self.close_code: int | None = None
        self._units: deque[bytes] = deque()
        self._marks: tuple[bytes, ...] = ()
        self._waiter: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.bytes = self.bytes + data if self.bytes else data
        self._units.extend(self.taken_apart())
        self._look()

    def taken_apart(self) -> list[bytes]:
        raise NotImplementedError

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionError("The server closed the connection."))

    def _look(self) -> None:
        if self._waiter is None or self._waiter.done():
            return
        while self._units:
            unit = self._units.popleft()
            if not self._marks or any(mark in unit for mark in self._marks):
                self._waiter.set_result(unit)
                return

    async def until(self, *marks: bytes) -> bytes:
        """The next unit with one of these marks in it, or just the next; what comes before is dropped."""
        self._marks, self._waiter = marks, asyncio.get_running_loop().create_future()
        self._look()
        if self.is_lost and not self._waiter.done():
            raise ConnectionError("The server closed the connection.")
        return await self._waiter

    def close(self) -> None:
        self.transport.close()


class Connection(Wire):
    """One WebSocket."""

    is_open = False

    def taken_apart(self) -> list[bytes]:
        if not self.is_open:
            head, end, self.bytes = self.bytes.partition(b"\r\n\r\n")
            if not end:
                self.bytes = head
                return []
            self.is_open = True
            return [head, *self.frames()]
        return self.frames()

    def frames(self) -> list[bytes]:
        data, found, start, size = self.bytes, [], 0, len(self.bytes)
        while size - start >= 2:
            length, head = data[start + 1], start + 2
            if length == 126:
                length, head = int.from_bytes(data[head : head + 2], "big"), head + 2
            elif length == 127:
                length, head = int.from_bytes(data[head : head + 8], "big"), head + 8
            if head + length > size:
                break
            if data[start] == 0x88:
                self.close_code = int.from_bytes(data[head : head + 2], "big")
            else:
                found.append(data[head : head + length])
            start = head + length
        self.bytes = data[start:]
        return found

    def send(self, payload: bytes) -> None:
        mask = b"\x00\x00\x00\x00"  # a mask of zeros is a mask, and leaves the payload as it is
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0xFE]) + size.to_bytes(2, "big")
        self.transport.write(head + mask + payload)


class Caller(Wire):
    """One HTTP connection that is kept: answers with a length, or streamed to their last chunk."""

    def taken_apart(self) -> list[bytes]:
        found = []
        while (answer := self.one()) is not None:
            found.append(answer)
        return found

    def one(self) -> bytes | None:
        head = self.bytes.find(b"\r\n\r\n")
        if head < 0:
            return None
        at = self.bytes.lower().find(b"content-length: ", 0, head)
        if at >= 0:
            end = head + 4 + int(self.bytes[at + 16 : self.bytes.index(b"\r", at)])
        else:
            end = self.bytes.find(b"\r\n0\r\n\r\n", head) + 7
        if end == 6 or len(self.bytes) < end:
            return None
        answer, self.bytes = self.bytes[:end], self.bytes[end:]
        return answer

    async def ask(self, request: bytes) -> bytes:
        self.transport.write(request)
        answer = await self.until()
        if not answer.startswith(b"HTTP/1.1 2"):
            raise ConnectionError(answer.decode())
        return answer


def bearer(token: str | None) -> list[str]:
    return [f"Authorization: Bearer {token}"] if token else []


def request(method: str, url: str, token: str | None = None, body: bytes = b"") -> bytes:
    parts = urlsplit(url)
    lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *bearer(token)]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def call(url: str) -> Caller:
    parts = urlsplit(url)
    _, caller = await asyncio.get_running_loop().create_connection(Caller, parts.hostname, parts.port)
    return caller


async def shake_hands(url: str, token: str | None) -> Connection:
    parts = urlsplit(url)
    _, connection = await asyncio.get_running_loop().create_connection(Connection, parts.hostname, parts.port)
    lines = [
        f"GET {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *bearer(token),
    ]
    connection.transport.write("\r\n".join([*lines, "", ""]).encode())
    answer = await connection.until()
    if b" 101 " not in answer.split(b"\r\n", 1)[0]:
        raise ConnectionError(answer.decode())
    return connection


async def open_socket(url: str, token: str | None) -> Connection:
    """Connected, authenticated, and told so."""
    connection = await shake_hands(url, token)
    await connection.until(b'"session.ready"')
    return connection


async def open_sockets(url: str, token: str | None, count: int, *, at_once: int = 50) -> list[Connection]:
    opened: list[Connection] = []
    while len(opened) < count:
        some = min(at_once, count - len(opened))
        opened += await asyncio.gather(*(open_socket(url, token) for _ in range(some)))
    return opened


async def repeat(steps: Sequence[Callable[[], Awaitable[object]]], seconds: float) -> Result:
    """Each step again and again beside the others, until the time is over."""
    times: list[float] = []
    began = time.perf_counter()
    until = began + seconds

    async def one(step: Callable[[], Awaitable[object]]) -> None:
        while (started := time.perf_counter()) < until:
            await step()
            times.append(time.perf_counter() - started)

    await asyncio.gather(*map(one, steps))
    return Result(times, time.perf_counter() - began)


async def ask_sockets(
    url: str, token: str | None, message: bytes, ends: tuple[bytes, ...], *, connections: int, seconds: float
) -> Result:
    """Each connection asks, waits for the end, and asks again."""
    opened = await open_sockets(url, token, connections)

    def step(connection: Connection) -> Callable[[], Awaitable[bytes]]:
        def ask() -> Awaitable[bytes]:
            connection.send(message)
            return connection.until(*ends)

        return ask

    result = await repeat([step(connection) for connection in opened], seconds)
    for connection in opened:
        connection.close()
    return result


async def ask_http(url: str, asked: bytes, *, connections: int, seconds: float) -> Result:
    callers = [await call(url) for _ in range(connections)]

    def step(caller: Caller) -> Callable[[], Awaitable[bytes]]:
        return lambda: caller.ask(asked)

    result = await repeat([step(caller) for caller in callers], seconds)
    for caller in callers:
        caller.close()
    return result


def run(work: Coroutine[Any, Any, T]) -> T:
    return uvloop.run(work)
