"""One WebSocket: who it is, what it asks, and when it ends. Turns do their work in tasks of their own.

The loop in `__call__` replaces Channels' dispatch, which hops to a thread for every frame to look after database
connections and waits on two queues. Nothing here touches the database but through `in_thread` and the ledger, and
nothing arrives through a channel of the socket's own, so neither is needed; a frame costs a fraction of it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import structlog
from channels.consumer import AsyncConsumer
from django.conf import settings
from django.utils import timezone

from apps.accounts import handshake, sessions
from apps.accounts.credentials import InvalidToken, NoToken, Principal, SessionExpired, resolve
from apps.chat import admission, frames, turns
from apps.chat.frames import Frame
from apps.chat.requests import Reader, turn_request
from apps.chat.sockets import sockets
from chatkit import daphne, metrics, origins
from chatkit.errors import ChatKitError, InternalError, InvalidRequest, ServerAtCapacity
from chatkit.logging import get_logger
from chatkit.middleware import kept_request_id
from chatkit.network import header
from chatkit.threads import in_thread

log = get_logger(__name__)

HEARTBEAT_SECONDS = 20
EXPIRY_WARNING = 15.0
MOST_ERRORS, ERROR_WINDOW = 20, 60.0
MOST_FOLLOWED = 32
MOST_UNSENT = 256 * 1024  # bytes a client may leave unread on a server that does not wait by itself
LOOK_AGAIN = 0.02
SEND_PATIENCE = 20.0  # seconds a client may leave what it was sent unread

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class TooManySockets(ChatKitError):
    code = "rate_limited"
    status = 429
    sentence = "You have too many connections open."


class TooManyFollowed(ChatKitError):
    code = "rate_limited"
    status = 429
    sentence = "This connection follows too many turns already."


def meet(credential: str) -> tuple[Principal, dict[str, Any]]:
    principal = resolve(credential)
    return principal, admission.limits_for(principal)


class Closed(Exception):
    """Ends the socket from within: the code, and the error that is its reason."""

    def __init__(self, code: int, error: ChatKitError) -> None:
        self.code, self.error = code, error
        super().__init__()


class ChatConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    def __init__(self) -> None:
        self.principal: Principal | None = None
        self.subject = ""
        self.rooms: set[UUID] = set()
        self._followed: dict[UUID, asyncio.Task[None]] = {}
        self._errors: deque[float] = deque(maxlen=MOST_ERRORS)
        self._is_over = False
        self._heard_at = time.monotonic()
        self._sending_since: float | None = None
        self._has_warned = False
        self._watch: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self._receive, self.base_send = scope, receive, send
        self._transport = daphne.transport_of(send)
        self.connection_id = kept_request_id(header(scope, b"x-request-id"))
        structlog.contextvars.bind_contextvars(request_id=self.connection_id)
        await receive()
        if not self._is_origin_allowed():
            await send({"type": "websocket.close", "code": 4403})
            return
        sockets.add(self)
        try:
            await self._open()
            while (message := await receive())["type"] == "websocket.receive":
                await self._hear(message)
        except Closed as closed:
            await self._say_goodbye(closed.code, closed.error)
        except Exception:  # the boundary of a connection: its client gets a clean end
            log.exception("socket_failed", connection_id=self.connection_id)
            await self._say_goodbye(4500, InternalError())
        finally:
            self._forget()

    # Opening

    def _is_origin_allowed(self) -> bool:
        origin, host = header(self.scope, b"origin"), header(self.scope, b"host")
        scheme = "https" if self.scope.get("scheme") == "wss" else "http"
        return not origin or origins.is_allowed(origin, scheme=scheme, host=host, config=settings.CHATKIT)

    async def _open(self) -> None:
        shaken = handshake.read(self.scope, accepts_query_token=settings.CHATKIT.accepts_query_token)
        await self.base_send({"type": "websocket.accept", "subprotocol": shaken.subprotocol})
        if sockets.is_draining:
            raise Closed(4012, ServerAtCapacity("The server is restarting."))
        if len(sockets) > settings.CHATKIT.ws_max_connections:
            raise Closed(4503, ServerAtCapacity())
        if shaken.error is not None:
            raise Closed(4401, shaken.error)
        credential = shaken.credential or await self._first_frame()
        principal, limits = await self._met(credential)
        await self._become(principal)
        self._credential = credential
        await self._send_ready(limits)
        self._look_after()

    async def _first_frame(self) -> str:
        try:
            async with asyncio.timeout(settings.CHATKIT.ws_auth_timeout):
                while True:
                    message = await self._receive()
                    if message["type"] != "websocket.receive":
                        raise Closed(1000, NoToken())
                    if (credential := await self._credential_in(message)) is not None:
                        return credential
        except TimeoutError:
            raise Closed(4408, NoToken("Authenticate sooner after connecting.")) from None

    async def _credential_in(self, message: dict[str, Any]) -> str | None:
        frame: Frame | None = None
        try:
            frame = frames.read(message)
            if frame.type != "auth":
                raise NoToken
            return frames.read_text(frame.payload, "token")
        except ChatKitError as error:
            await self._refuse(error, frame)
            return None

    async def _met(self, credential: str) -> tuple[Principal, dict[str, Any]]:
        """Who it is, and what is left of their limits: one hop to a thread for both."""
        try:
            return await in_thread(meet, credential)
        except ChatKitError as error:
            code = 4401 if error.status == 401 else 4503
            raise Closed(code, error) from error

    async def _become(self, principal: Principal) -> None:
        self.principal, self.subject = principal, principal.subject
        if sockets.know(self) > settings.CHATKIT.ws_max_per_principal:
            raise Closed(4429, TooManySockets())

    async def _send_ready(self, limits: dict[str, Any]) -> None:
        assert self.principal is not None  # noqa: S101 - for the type checker
        ready = {
            "connection_id": self.connection_id,
            "principal": self.principal.as_json(),
            "heartbeat_seconds": HEARTBEAT_SECONDS,
            "limits": limits,
        }
        await self._send(frames.write("session.ready", ready))

    # Hearing

    async def _hear(self, message: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        if self._is_over:
            return
        frame: Frame | None = None
        try:
            frame = frames.read(message)
            handle = self.HANDLERS.get(frame.type)
            if handle is None:
                raise frames.refused("type", f"Must be one of {', '.join(self.HANDLERS)}.")
            await handle(self, frame)
        except ChatKitError as error:
            await self._refuse(error, frame)

    async def _refuse(self, error: ChatKitError, frame: Frame | None) -> None:
        await self._send(frames.write_error(error, self.connection_id, frame.id if frame else None))
        now = time.monotonic()
        self._errors.append(now)
        if len(self._errors) == MOST_ERRORS and now - self._errors[0] < ERROR_WINDOW:
            raise Closed(4429, InvalidRequest("Too many frames that could not be understood."))

    async def _on_ping(self, frame: Frame) -> None:
        await self._send(frames.write("pong", {"time": datetime.now(UTC)}, frame.id))

    async def _on_auth(self, frame: Frame) -> None:
        """A second credential beside the one in force is refused; the same one again says nothing new."""
        if frames.read_text(frame.payload, "token") != self._credential:
            raise Closed(4401, InvalidToken("Present one credential, not several; use auth.refresh to replace it."))
        await self._send_ready((await self._met(self._credential))[1])

    async def _on_refresh(self, frame: Frame) -> None:
        credential, issued = await self._renewed(frame.payload)
        principal = await in_thread(resolve, credential)
        if principal.subject != self.subject:
            raise Closed(4403, InvalidToken("This credential belongs to somebody else."))
        self.principal, self._credential, self._has_warned = principal, credential, False
        self._look_after()
        await self._send(frames.write("auth.refreshed", {"expires_at": principal.expires_at, **issued}, frame.id))

    async def _renewed(self, payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        if "refresh_token" not in payload:
            return frames.read_text(payload, "token"), {}
        pair = await in_thread(sessions.refresh_pair, frames.read_text(payload, "refresh_token"))
        issued = {"access_token": pair.access, "refresh_token": pair.refresh, "expires_in": pair.expires_in}
        return pair.access, issued

    async def _on_message(self, frame: Frame) -> None:
        assert self.principal is not None  # noqa: S101 - for the type checker
        request = turn_request(frame.payload, text_name="text")
        self._require_room()
        turn = await turns.start_turn(self.principal, request)
        await self._send(frames.write("message.accepted", frames.accepted_payload(turn), frame.id))
        if turn.allowance is not None:
            await self._send(frames.write("limit", frames.limit_payload(turn.allowance)))
        self.follow(turn.turn_id, -1)

    async def _on_cancel(self, frame: Frame) -> None:
        assert self.principal is not None  # noqa: S101 - for the type checker
        turn_id = frames.read_uuid(frame.payload, "turn_id")
        await turns.cancel_turn(self.principal, turn_id)
        self.follow(turn_id, -1)

    async def _on_resume(self, frame: Frame) -> None:
        assert self.principal is not None  # noqa: S101 - for the type checker
        fields = Reader(frame.payload, "payload.")
        after_seq = fields.whole_number("after_seq", default=-1)
        fields.check()
        turn = await in_thread(turns.visible_turn, self.principal, frames.read_uuid(frame.payload, "turn_id"))
        self._require_room()
        if (earlier := self._followed.pop(turn.id, None)) is not None:
            earlier.cancel()
        self.follow(turn.id, after_seq)

    async def _on_join(self, frame: Frame) -> None:
        assert self.principal is not None  # noqa: S101 - for the type checker
        conversation_id = frames.read_uuid(frame.payload, "conversation_id")
        running = await in_thread(turns.running_in, self.principal, conversation_id)
        sockets.join(self, conversation_id)
        await self._send(
            frames.write("conversation.joined", {"conversation_id": conversation_id, "turn_id": running}, frame.id)
        )
        if running is not None:
            self.follow(running, -1)

    HANDLERS: ClassVar[dict[str, Callable[["ChatConsumer", Frame], Awaitable[None]]]] = {
        "agent.message": _on_message,
        "turn.cancel": _on_cancel,
        "turn.resume": _on_resume,
        "conversation.join": _on_join,
        "auth.refresh": _on_refresh,
        "auth": _on_auth,
        "ping": _on_ping,
    }

    # Telling

    def _require_room(self) -> None:
        if len(self._followed) >= MOST_FOLLOWED:
            raise TooManyFollowed

    def follow(self, turn_id: UUID, after_seq: int) -> None:
        if turn_id in self._followed or self._is_over:
            return
        task = asyncio.get_running_loop().create_task(self._tell(turn_id, after_seq))
        self._followed[turn_id] = task
        task.add_done_callback(lambda done: self._unfollow(turn_id, done))

    def _unfollow(self, turn_id: UUID, task: "asyncio.Task[None]") -> None:
        # A resume may have put another in its place.
        if self._followed.get(turn_id) is task:
            del self._followed[turn_id]

    async def _tell(self, turn_id: UUID, after_seq: int) -> None:
        try:
            async with aclosing(turns.follow(turn_id, after_seq)) as events:
                async for event in events:
                    await self._send(event.frame().decode())
        except ChatKitError as error:
            await self._send(frames.write_error(error, self.connection_id))

    def _is_unread(self) -> bool:
        return self._transport is not None and daphne.unsent_bytes(self._transport) > MOST_UNSENT

    async def _send(self, text: str) -> None:
        if self._is_over:
            return
        self._sending_since = time.monotonic()
        while self._is_unread() and not self._is_over:  # noqa: ASYNC110 - daphne announces nothing to await
            await asyncio.sleep(LOOK_AGAIN)
        try:
            await self.base_send({"type": "websocket.send", "text": text})
        except OSError:
            self._is_over = True  # gone without a word; the loop hears of it next
        self._sending_since = None

    # Ending

    def _look_after(self) -> None:
        """Looks when the next deadline is due, not every second: an idle socket costs nothing."""
        if self._watch is not None:
            self._watch.cancel()
        if self._is_over:
            return
        now = time.monotonic()
        if (reason := self._overdue(now)) is not None:
            self.end(*reason)
            return
        self._warn_of_expiry()
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(max(0.05, self._next_deadline(now)), self._look_after)

    def _overdue(self, now: float) -> tuple[int, str] | None:
        if now - self._heard_at >= settings.CHATKIT.ws_idle_timeout:
            return 4408, "idle"
        if self._sending_since is not None and now - self._sending_since >= SEND_PATIENCE:
            return 4408, "slow_reader"
        if self._life_left() + settings.CHATKIT.ws_expiry_grace <= 0:
            return 4401, SessionExpired.code
        return None

    def _life_left(self) -> float:
        assert self.principal is not None  # noqa: S101 - for the type checker
        return (self.principal.expires_at - timezone.now()).total_seconds()

    def _next_deadline(self, now: float) -> float:
        left = self._life_left()
        expiry = left + settings.CHATKIT.ws_expiry_grace if self._has_warned else left - self._warning_before
        idle = self._heard_at + settings.CHATKIT.ws_idle_timeout - now
        return min(idle, expiry, SEND_PATIENCE)

    @property
    def _warning_before(self) -> float:
        """A quarter of a short life, else fifteen seconds."""
        if not hasattr(self, "_whole_life"):
            self._whole_life = self._life_left()
        return min(EXPIRY_WARNING, self._whole_life / 4)

    def _warn_of_expiry(self) -> None:
        assert self.principal is not None  # noqa: S101 - for the type checker
        left = self._life_left()
        if self._has_warned or left > self._warning_before:
            return
        self._has_warned = True
        warning = {"expires_at": self.principal.expires_at, "expires_in": max(0, round(left))}
        asyncio.get_running_loop().create_task(self._send(frames.write("auth.expiring", warning)))

    def end(self, code: int, reason: str) -> "asyncio.Task[None] | None":
        """Closes from outside the loop, which then hears of the disconnect."""
        if not self._is_over:
            self._closing = asyncio.get_running_loop().create_task(self._close(code, reason))
        return self._closing

    async def _say_goodbye(self, code: int, error: ChatKitError) -> None:
        if code != 1000:
            await self._send(frames.write_error(error, self.connection_id))
            await self._close(code, error.code)

    async def _close(self, code: int, reason: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        metrics.sockets_closed.labels(code).inc()
        with suppress(OSError):
            await self.base_send({"type": "websocket.close", "code": code, "reason": reason})

    def _forget(self) -> None:
        self._is_over = True
        if self._watch is not None:
            self._watch.cancel()
        for task in list(self._followed.values()):
            task.cancel()
        sockets.remove(self)
