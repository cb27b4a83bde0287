"""Turns as server-sent events: `sources`, `token`…, then `done` or `error`. Each carries an id to resume from."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import orjson
from django.http import StreamingHttpResponse

from apps.chat import turns
from apps.chat.admission import Accepted
from apps.chat.events import Event, EventType, failure_detail
from chatkit.errors import InvalidRequest

PING = b": ping\n\n"
PING_SECONDS = 15.0
NAMES = {
    EventType.SOURCES: "sources",
    EventType.TOKEN: "token",
    EventType.COMPLETED: "done",
    EventType.CANCELLED: "done",
    EventType.FAILED: "error",
}


def stream(turn: Accepted, after_seq: int, request_id: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines(turn, after_seq, request_id), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    # nginx would gather the whole answer before passing it on.
    response["X-Accel-Buffering"] = "no"
    return response


async def lines(turn: Accepted, after_seq: int, request_id: str) -> AsyncGenerator[bytes]:
    async with aclosing(turns.follow(turn.turn_id, after_seq)) as events:
        async for event in with_pings(events):
            if event is None:
                yield PING
            elif event.event_type in NAMES:
                yield line(event, turn, request_id)


async def with_pings(events: AsyncIterator[Event]) -> AsyncGenerator[Event | None]:
    """None whenever nothing happened for a while, so that proxies keep the connection."""
    upcoming: asyncio.Future[Event] | None = None
    try:
        while True:
            if upcoming is None:
                upcoming = asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait([upcoming], timeout=PING_SECONDS)
            if not done:
                yield None
                continue
            try:
                event = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming = None
            yield event
    finally:
        if upcoming is not None:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)


def line(event: Event, turn: Accepted, request_id: str) -> bytes:
    body = orjson.dumps(payload(event, turn, request_id), option=orjson.OPT_UTC_Z)
    head = f"id: {event.turn_id}:{event.seq}\nevent: {NAMES[event.event_type]}\ndata: "
    return head.encode() + body + b"\n\n"


def payload(event: Event, turn: Accepted, request_id: str) -> dict[str, object]:
    if event.event_type is EventType.FAILED:
        return {
            "error": event.body["error"],
            "message": event.body["message"],
            "status_code": turns.status_of(event.body["error"]),
            "detail": {**failure_detail(event.body), **turn.ids()},
            "request_id": request_id,
        }
    if event.is_terminal:
        ended = "cancelled" if event.event_type is EventType.CANCELLED else "completed"
        return {"metadata": event.body.get("metadata"), "status": ended, **turn.ids()}
    return event.body


def after(last_event_id: str | None, query: str | None) -> int:
    """Where to go on: `Last-Event-ID` as the browser sends it, or `?after=`."""
    text = last_event_id.rpartition(":")[2] if last_event_id else query
    if not text:
        return -1
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequest.of({"after": ["Must be the number of the last event that was received."]})
    return int(text)
