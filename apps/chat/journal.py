"""A turn's events, made durable before anybody is told: what a follower saw is what a crash leaves behind.

While one write is on its way, what the agent says gathers, and becomes one token event of the next. So the first
token waits for nothing, and under load tokens grow larger instead of later.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from apps.chat import wakeups
from apps.chat.events import Event, EventType
from apps.chat.models import TurnEvent
from chatkit.entries import Entry, Insert
from chatkit.errors import DatabaseUnavailable, ServerAtCapacity
from chatkit.ledger import Ledger

PATIENCE = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between tries while the database is away


class Journal:
    """The writing end, and what the process remembers of it for its followers."""

    def __init__(self, turn_id: UUID, ledger: Ledger) -> None:
        self.turn_id = turn_id
        self.first_token_at: datetime | None = None
        self._events: list[Event] = []
        self._text: list[str] = []
        self._ledger = ledger
        self._pending: list[Event] = []
        self._gathered: list[str] = []
        self._next_seq = 0
        self._is_finishing = False
        self._is_closed = False
        self._failure: Exception | None = None
        self._has_more = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None

    @property
    def content(self) -> str:
        return "".join(self._text)

    @property
    def is_over(self) -> bool:
        return bool(self._events) and self._events[-1].is_terminal

    @property
    def last_seq_at_end(self) -> int:
        """The number that the last event will have: one more token event comes before it if text has gathered."""
        return self._next_seq + bool(self._gathered)

    def note(self, event_type: EventType, **body: Any) -> None:
        """What is written with whatever is said next, because that comes at once."""
        self._close_token()
        self._add(event_type, body)

    def say(self, event_type: EventType, **body: Any) -> None:
        self.note(event_type, **body)
        self._flush_soon()

    def token(self, content: str) -> None:
        if self.first_token_at is None:
            self.first_token_at = timezone.now()
        self._text.append(content)
        self._gathered.append(content)
        self._flush_soon()

    async def finish(self, event_type: EventType, body: dict[str, Any], entries: Sequence[Entry]) -> None:
        """The last event, committed together with what was not yet written and what the end of the turn changes."""
        self._is_finishing = True
        if self._flusher is not None:
            await self._flusher
        if self._failure is not None:
            raise self._failure
        self._close_token()
        self._add(event_type, body)
        batch, self._pending = self._pending, []
        await self._write(batch, entries)

    async def read(self, known: int) -> AsyncGenerator[Event]:
        """Events from number `known` on, as they become durable. A slow reader holds a number, not a queue."""
        while not self._is_closed or known < len(self._events):
            if known < len(self._events):
                yield self._events[known]
                known += 1
            else:
                await self._has_more.wait()

    def close(self) -> None:
        self._is_closed = True
        self._has_more.set()

    def _add(self, event_type: EventType, body: dict[str, Any]) -> None:
        self._pending.append(Event(self.turn_id, self._next_seq, event_type, body, timezone.now()))
        self._next_seq += 1

    def _close_token(self) -> None:
        if self._gathered:
            content, self._gathered = "".join(self._gathered), []
            self._add(EventType.TOKEN, {"content": content})

    def _flush_soon(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        try:
            # What an agent has at hand comes in one go, often with the end: then one write carries it all.
            await asyncio.sleep(0)
            while (self._pending or self._gathered) and not self._is_finishing:
                self._close_token()
                batch, self._pending = self._pending, []
                await self._write(batch)
        except Exception as failure:  # met by whoever says the next thing: a journal with a gap is none
            self._failure = failure

    async def _write(self, batch: list[Event], entries: Sequence[Entry] = ()) -> None:
        """Tries again while the database is away; a try that was cut off at its commit may have been kept."""
        may_be_kept = False
        for pause in (*PATIENCE, None):
            try:
                await self._ledger.write(*entries, *map(row_of, batch))
                break
            except (DatabaseUnavailable, ServerAtCapacity):
                may_be_kept = True
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            except IntegrityError:
                if not may_be_kept:
                    raise
                break
        self._publish(batch)

    def _publish(self, batch: list[Event]) -> None:
        self._events.extend(batch)
        has_more, self._has_more = self._has_more, asyncio.Event()
        has_more.set()
        wakeups.announce(self.turn_id)


def row_of(event: Event) -> Insert:
    return Insert(
        TurnEvent,
        {
            "turn_id": event.turn_id,
            "seq": event.seq,
            "event_type": event.event_type.value,
            "body": event.body,
            "created_at": event.timestamp,
        },
    )
