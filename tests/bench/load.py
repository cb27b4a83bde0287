"""A load client that costs little: raw frames over asyncio, no library between it and the socket."""

import asyncio
import base64
import os
import statistics
import time
from collections.abc import Sequence
from urllib.parse import urlsplit


class Connection:
    """One WebSocket that sends masked text and counts what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, payload: bytes) -> None:
        mask = b"\x00\x00\x00\x00"  # a mask of zeros is a mask, and leaves the payload as it is
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0xFE]) + size.to_bytes(2, "big")
        self.writer.write(head + mask + payload)

    async def receive(self) -> bytes:
        head = await self.reader.readexactly(2)
        size = head[1] & 0x7F
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return await self.reader.readexactly(size)

    async def until(self, *marks: bytes) -> bytes:
        while True:
            payload = await self.receive()
            if any(mark in payload for mark in marks):
                return payload

    def close(self) -> None:
        self.writer.close()


async def open_socket(url: str, token: str | None) -> Connection:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**20)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in answer.split(b"\r\n", 1)[0]:
        raise ConnectionError(answer.decode())
    return Connection(reader, writer)


async def ask_for(
    url: str, tokens: Sequence[str | None], message: bytes, ends: tuple[bytes, ...], seconds: float
) -> "Result":
    """Each connection asks, waits for the end, and asks again, until the time is over."""
    connections = await asyncio.gather(*(open_socket(url, token) for token in tokens))
    for connection, token in zip(connections, tokens, strict=True):
        if token:
            await connection.until(b'"session.ready"')
    until = time.perf_counter() + seconds
    times: list[float] = []

    async def one(connection: Connection) -> None:
        while (began := time.perf_counter()) < until:
            connection.send(message)
            await connection.until(*ends)
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*map(one, connections))
    lasted = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return Result(times, lasted)


class Result:
    def __init__(self, times: list[float], seconds: float) -> None:
        self.per_second = len(times) / seconds
        ordered = sorted(times)
        self.p50 = statistics.median(ordered) * 1000
        self.p99 = ordered[int(len(ordered) * 0.99)] * 1000
