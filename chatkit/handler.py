"""How requests reach Django: owned threads, a bound on bodies, and what runs beside them while the process lives."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import IO, Any
from urllib.parse import quote

from asgiref.sync import ThreadSensitiveContext
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.db import close_old_connections, reset_queries
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from chatkit import goodbye, housekeeping
from chatkit.ledger import ledger
from chatkit.network import with_real_client
from chatkit.threads import tidily

Message = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_BODY = 16 * 1024 * 1024  # what no view may want more of; API bodies have a lower bound of their own
KEPT_IN_MEMORY = 1024 * 1024
THREADS = 4  # more only wait for each other: the interpreter runs one, and the database has one writer


class Thread(ThreadPoolExecutor):
    """One thread that looks after its connections around each piece of work.

    Django does so at the start and end of each request, for which it hops to a thread twice, also for requests that
    never touch a database.
    """

    def __init__(self, name: str) -> None:
        super().__init__(1, thread_name_prefix=name)

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        return super().submit(tidily, partial(work, *args, **kwargs))


def look_after_connections_ourselves() -> None:
    signals.request_started.disconnect(close_old_connections)
    signals.request_started.disconnect(reset_queries)
    signals.request_finished.disconnect(close_old_connections)


class Threads:
    """Single threads with connections that stay open. Django by itself starts a thread for every request."""

    def __init__(self, count: int) -> None:
        self._load: dict[Executor, int] = {Thread(f"views-{n}"): 0 for n in range(count)}

    def take(self) -> Executor:
        least = min(self._load, key=self._load.__getitem__)
        self._load[least] += 1
        return least

    def give_back(self, executor: Executor) -> None:
        self._load[executor] -= 1


class Handler(ASGIHandler):
    """Django's handler, on owned threads and with a bound on what it reads."""

    def __init__(self) -> None:
        super().__init__()
        look_after_connections_ourselves()
        self._threads = Threads(THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        executor = self._threads.take()
        try:
            async with ThreadSensitiveContext(executor=executor):
                await self.handle(with_ascii_query(scope), receive, send)
        finally:
            self._threads.give_back(executor)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Django's, with one task beside the answer instead of two, and without a thread to close the response in."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        set_script_prefix(get_script_prefix(scope))
        await signals.request_started.asend(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        response, leaving = refusal, Leaving(receive)
        try:
            if request is not None:
                response = await self.run_get_response(request)
            assert response is not None  # noqa: S101 - for the type checker
            await self.send_response(response, send)
        except asyncio.CancelledError:
            if not leaving.has_left:
                raise  # the server stops, and cuts what has not finished
        finally:
            leaving.stop()
            if response is not None:
                response.close()
            body.close()

    async def read_body(self, receive: Receive) -> IO[bytes]:
        """The whole body, or an empty one marked `is_oversized`: nothing past the bound is kept."""
        body: Any = tempfile.SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115 - Django closes it
        size, has_more = 0, True
        while has_more and size <= LARGEST_BODY:
            message = await receive()
            if message["type"] == "http.disconnect":
                body.close()
                raise RequestAborted
            chunk = message.get("body", b"")
            size, has_more = size + len(chunk), message.get("more_body", False)
            body.write(chunk)
        body.is_oversized, body.size = size > LARGEST_BODY, size
        if body.is_oversized:
            body.seek(0)
            body.truncate()
        body.seek(0)
        return body  # type: ignore[no-any-return]

    def create_request(
        self, scope: Message, body_file: Any
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        made = super().create_request(scope, body_file)
        if made[0] is not None:
            made[0].is_oversized = body_file.is_oversized  # type: ignore[attr-defined]
            # A chunked body names no length, and DRF takes that for no body.
            made[0].META.setdefault("CONTENT_LENGTH", str(body_file.size))
        return made


class Leaving:
    """Cancels the task that answers when its caller leaves."""

    def __init__(self, receive: Receive) -> None:
        self.has_left = False
        self._receive = receive
        self._answering = asyncio.current_task()
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        # The rest of a refused upload may still be arriving; it is dropped as it comes.
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._answering is not None:
            self.has_left = True
            self._answering.cancel()

    def stop(self) -> None:
        self._listening.cancel()


def with_ascii_query(scope: Scope) -> Scope:
    """Raw bytes in a query are against the rules, and Django answers them without any of our headers."""
    query: bytes = scope.get("query_string", b"")
    if query.isascii():
        return scope
    return {**scope, "query_string": quote(query, safe="/?:@!$&'()*+,;=%").encode()}


async def refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """No WebSocket lives at this address."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


class Application:
    """Every protocol behind one door, with the caller's true address, and what runs beside requests."""

    def __init__(self, websocket: Any) -> None:
        self._router = ProtocolTypeRouter({"http": Handler(), "websocket": websocket})
        self._housekeeping: asyncio.Task[None] | None = None
        self._has_lifespan = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        self._start()
        await self._router(with_real_client(scope, settings.CHATKIT), receive, send)

    def _start(self) -> None:
        """At the first connection too: not every server has a lifespan, and such a one must be waited for."""
        if self._housekeeping is None:
            if not self._has_lifespan or goodbye.is_uvicorns_own():
                goodbye.say_on_sigterm()
            self._housekeeping = asyncio.get_running_loop().create_task(housekeeping.keep_house())

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._has_lifespan = True
        ledger.open()
        self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await housekeeping.wind_down()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _stop(self) -> None:
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            self._housekeeping = None
        await asyncio.to_thread(ledger.close)
