"""A reverse proxy between a browser and ChatKit that misbehaves in one way at a time."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Any

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.services import wait_until

Headers = list[tuple[bytes, bytes]]
NOT_PASSED = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"x-forwarded-for", b"x-forwarded-proto"}

VISITOR = b"198.51.100.7"


@dataclass(frozen=True)
class Fault:
    """What this proxy does to what passes; by default nothing."""

    headers: Callable[[str, Headers], Headers] = lambda path, headers: headers
    status: Callable[[str, str], int | None] = lambda method, path: None
    gathers: bool = False
    passes_upgrades: bool = True
    passes_subprotocols: bool = True
    names_visitors: bool = True
    claims_scheme: str = "http"
    appends_unread: bool = False
    host: str = ""


def without(*names: str) -> Callable[[str, Headers], Headers]:
    left_out = {name.encode() for name in names}
    return lambda path, headers: [pair for pair in headers if pair[0].lower() not in left_out]


def with_header(name: str, value: str, *, on: str = "/") -> Callable[[str, Headers], Headers]:
    replaced = without(name)

    def change(path: str, headers: Headers) -> Headers:
        return [*replaced(path, headers), (name.encode(), value.encode())] if path.startswith(on) else headers

    return change


class Proxy:
    def __init__(self, upstream: str, fault: Fault) -> None:
        self.upstream, self.fault = upstream, fault
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        options = uvicorn.Config(
            self.answer,
            interface="asgi3",
            log_config=None,
            lifespan="off",
            server_header=False,
            date_header=False,
            proxy_headers=False,
        )
        self.server = uvicorn.Server(options)
        self.thread = Thread(target=self.server.run, kwargs={"sockets": [self.listener]}, daemon=True)

    def __enter__(self) -> "Proxy":
        self.thread.start()
        wait_until(lambda: self.server.started, "the proxy listens")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.should_exit = True
        self.thread.join()

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self.relay(scope, receive, send)
        else:
            await self.forward(scope, receive, send)

    async def forward(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        status = self.fault.status(scope["method"], path)
        if status is not None:
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": b"<h1>The proxy says no.</h1>"})
            return
        async with httpx.AsyncClient(timeout=60) as client:
            async with client.stream(
                scope["method"],
                self.upstream + path,
                params=scope["query_string"].decode(),
                headers=self.passed(scope),
                content=await body_of(receive),
            ) as response:
                headers = [(k.lower(), v) for k, v in response.headers.raw if k.lower() not in NOT_PASSED]
                if self.fault.gathers:
                    headers = without("content-length")(path, headers)
                headers = self.fault.headers(path, headers)
                await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
                async for part in gathered(response) if self.fault.gathers else response.aiter_raw():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body"})

    def passed(self, scope: Any) -> Headers:
        headers = [pair for pair in scope["headers"] if pair[0] not in NOT_PASSED]
        if self.fault.host:
            headers = [*without("host")("", headers), (b"host", self.fault.host.encode())]
        if self.fault.appends_unread:
            headers += [pair for pair in scope["headers"] if pair[0] == b"x-forwarded-for"]
        if self.fault.names_visitors:
            headers.append((b"x-forwarded-for", VISITOR))
            headers.append((b"x-forwarded-proto", self.fault.claims_scheme.encode()))
        return headers

    async def relay(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if not self.fault.passes_upgrades:
            await deny(send, 426)
            return
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        offers = scope["subprotocols"] if self.fault.passes_subprotocols else None
        url = f"ws{self.upstream.removeprefix('http')}{scope['path']}"
        try:
            upstream = await connect(url, origin=headers.get("origin"), subprotocols=offers)  # type: ignore[arg-type]
        except InvalidStatus as exc:
            await deny(send, exc.response.status_code)
            return
        async with upstream:
            await send({"type": "websocket.accept", "subprotocol": upstream.subprotocol})
            downward = asyncio.create_task(pour(upstream, send))
            while (message := await receive())["type"] == "websocket.receive":
                with contextlib.suppress(ConnectionClosed):
                    await upstream.send(message.get("text") or message["bytes"])
            downward.cancel()


async def body_of(receive: Any) -> bytes:
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body, has_more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def gathered(response: httpx.Response) -> AsyncIterator[bytes]:
    yield b"".join([part async for part in response.aiter_raw()])


async def deny(send: Any, status: int) -> None:
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})


async def pour(upstream: ClientConnection, send: Any) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in upstream:
            await send({"type": "websocket.send", "text": message})
    await send({"type": "websocket.close", "code": upstream.close_code or 1000})
