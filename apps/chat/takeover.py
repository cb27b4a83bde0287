"""Turns whose process died: found by their heartbeat, closed by whoever notices first, told to all who follow."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.chat.events import Event, EventType
from apps.chat.models import Message, Turn, TurnEvent
from chatkit.entries import Change
from chatkit.errors import ChatKitError
from chatkit.ledger import ledger
from chatkit.logging import get_logger
from chatkit.threads import in_thread

log = get_logger(__name__)

HEARTBEAT = 5.0
DEAD_AFTER = timedelta(seconds=20)
SWEEP = 5.0
INTERRUPTED = {
    "error": "runtime_unavailable",
    "message": "The answer was interrupted. Please try again.",
    "retry": True,
}


async def beat(running: Callable[[], list[UUID]], stop: Callable[[UUID, EventType], object]) -> None:
    """Runs beside requests: signs of life of the turns that this process answers, all in one write; also where it
    learns that another process was asked to cancel one."""
    while True:
        await asyncio.sleep(HEARTBEAT)
        if not (turn_ids := running()):
            continue
        now = timezone.now()
        alive = [
            Change(Turn, {"id": turn_id, "status": Turn.Status.RUNNING.value}, {"heartbeat_at": now})
            for turn_id in turn_ids
        ]
        try:
            await ledger.write(*alive)
            for turn_id in await in_thread(cancelled_of, turn_ids):
                stop(turn_id, EventType.CANCELLED)
        except (ChatKitError, DatabaseError):
            log.warning("heartbeat_missed", turns=len(turn_ids), exc_info=True)


def cancelled_of(turn_ids: list[UUID]) -> list[UUID]:
    asked = Turn.objects.running().filter(id__in=turn_ids, cancel_requested_at__isnull=False)
    return list(asked.values_list("id", flat=True))


async def sweep() -> None:
    """Runs beside requests: a turn is closed even if nobody follows it."""
    while True:
        await asyncio.sleep(SWEEP)
        try:
            await in_thread(close_dead)
        except DatabaseError:
            log.warning("sweep_missed", exc_info=True)


def dead() -> "list[Turn]":
    return list(Turn.objects.running().filter(heartbeat_at__lt=timezone.now() - DEAD_AFTER)[:100])


def close_dead() -> None:
    for turn in dead():
        close(turn)


def is_dead(turn: Turn) -> bool:
    return turn.heartbeat_at < timezone.now() - DEAD_AFTER


def is_busy(conversation_id: UUID) -> bool:
    """Whether a turn runs in the conversation. One whose process died is closed, and so is none."""
    running = Turn.objects.running().filter(conversation_id=conversation_id).first()
    return running is not None and not (is_dead(running) and close(running))


def close_if_dead(turn_id: UUID) -> bool:
    """Whether this call closed it."""
    found = Turn.objects.running().filter(id=turn_id).first()
    return found is not None and is_dead(found) and close(found)


def close(turn: Turn) -> bool:
    """Fails the turn with what had been written kept. Of several who notice, one conditional update wins."""
    with transaction.atomic():
        now = timezone.now()
        journal = TurnEvent.objects.filter(turn_id=turn.id)
        # Numbers rise by one from 0, so their count is the next.
        seq = journal.count()
        changed = Turn.objects.running().filter(id=turn.id, heartbeat_at=turn.heartbeat_at)
        values = {"status": Turn.Status.FAILED, "error": INTERRUPTED["error"], "ended_at": now, "last_seq": seq}
        if not changed.update(**values):
            return False
        TurnEvent.objects.create(
            turn_id=turn.id, seq=seq, event_type=EventType.FAILED, body=INTERRUPTED, created_at=now
        )
        written = journal.filter(event_type=EventType.TOKEN).order_by("seq").values_list("body", flat=True)
        content = "".join(body["content"] for body in written)
        sources = journal.filter(event_type=EventType.SOURCES).values_list("body", flat=True).first() or {}
        reply = {"content": content, "status": Message.Status.FAILED, "sources": sources.get("sources", [])}
        Message.objects.filter(id=turn.reply_id).update(**reply)
    log.warning("turn_closed_for_dead_process", turn_id=str(turn.id), seq=seq)
    return True


def remembered_end(turn_id: UUID, known: int) -> Iterator[Event]:
    """For turns whose journal was pruned: their last event, told from what was saved."""
    turn = Turn.objects.filter(id=turn_id, last_seq__gte=known).select_related("reply").first()
    if turn is None or turn.ended_at is None or turn.last_seq is None:
        return
    answer = {"message_id": str(turn.reply_id), "answer": turn.reply.content}
    kinds = {
        Turn.Status.COMPLETED: (EventType.COMPLETED, {**answer, "metadata": turn.reply.metadata}),
        Turn.Status.CANCELLED: (EventType.CANCELLED, answer),
    }
    event_type, body = kinds.get(Turn.Status(turn.status), (EventType.FAILED, {**INTERRUPTED, "error": turn.error}))
    yield Event(turn.id, turn.last_seq, event_type, body, turn.ended_at)
