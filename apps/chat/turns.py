"""A question and its answer: refused or accepted, answered by a task of its own, followed by anybody who may.

`start_turn` records what was asked; nothing is acknowledged before it is durable. `run_turn` answers, and no
connection owns it: closing a browser stops nothing. `follow` tells what happened and what happens, from any point on,
to any transport, in any process. However a turn ends, its reply is left saved, with what was written and why.
"""

import asyncio
import contextvars
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError
from django.utils import timezone

from apps.accounts.credentials import Principal
from apps.chat import agents, endings, takeover, wakeups
from apps.chat.admission import (
    Accepted,
    Repeated,
    TurnInProgress,
    TurnRequest,
    accepted,
    admit,
    answer_rows,
    checked,
    conversation_of,
    refuse_again,
    rows_for,
)
from apps.chat.events import Event, EventType, failure_body
from apps.chat.journal import Journal
from apps.chat.models import Conversation, Turn, TurnEvent
from apps.chat.signals import turn_finished
from apps.gateway.choice import LOCAL
from apps.throttling.limits import RateLimited
from chatkit import metrics
from chatkit.entries import Change, NotApplied
from chatkit.errors import ChatKitError, InternalError, NotFound, ServerAtCapacity, ServiceUnavailable
from chatkit.ledger import ledger
from chatkit.logging import get_logger
from chatkit.threads import in_thread

log = get_logger(__name__)

PAGE = 50  # events read at once: the first is told sooner, and a follower who reads slowly holds little


class RuntimeUnavailable(ServiceUnavailable):
    code = "runtime_unavailable"
    sentence = "The answer was interrupted. Please try again."


@dataclass(slots=True)
class Running:
    """A turn that this process is answering."""

    turn: Turn
    journal: Journal
    principal: Principal
    task: "asyncio.Task[None] | None" = None
    # Set before the task is cancelled: why it is.
    ending: EventType = EventType.FAILED
    answer: agents.Outcome = field(default_factory=agents.Outcome)


_running: dict[UUID, Running] = {}
_is_draining = False


async def start_turn(principal: Principal, request: TurnRequest) -> Accepted:
    """Refuses, or records question, reply and turn in one write and begins to answer."""
    if _is_draining:
        raise ServerAtCapacity("The server is restarting. Please try again in a moment.")
    request = checked(request)
    conversation_id, is_new = conversation_of(principal, request)
    turn, entries = rows_for(principal, request, conversation_id, is_new=is_new)
    admission = partial(admit, principal, request, conversation_id, is_new=is_new)
    try:
        allowance = await ledger.write(*entries, check=admission)
    except Repeated as repeated:
        return repeated.turn
    except IntegrityError as exc:
        # Somebody else's message or turn came in between: asking again finds it, and answers by name.
        return await retell(principal, request, conversation_id, exc)
    begin(turn, principal)
    return accepted(turn, request.client_message_id, allowance)


async def retell(
    principal: Principal, request: TurnRequest, conversation_id: UUID, conflict: IntegrityError
) -> Accepted:
    try:
        await in_thread(refuse_again, principal, request, conversation_id)
    except Repeated as repeated:
        return repeated.turn
    # Neither this message nor a running turn is there any more: it ended a moment ago, and trying again will do.
    raise TurnInProgress from conflict


async def retry_turn(principal: Principal, message_id: UUID) -> Accepted:
    """Answers the question of a reply once more; what was answered before stays in the conversation."""
    turn = await in_thread(turn_to_retry, principal, message_id)
    again, reply = answer_rows(turn.question, mode=turn.mode, context=turn.context)
    touched = Change(Conversation, {"id": turn.conversation_id}, {"updated_at": timezone.now()})
    request = TurnRequest(turn.question.content, turn.conversation_id)
    admission = partial(admit, principal, request, turn.conversation_id, is_new=False)
    try:
        allowance = await ledger.write(touched, reply, again, check=admission)
    except IntegrityError as exc:
        raise TurnInProgress from exc
    begin(again, principal)
    return accepted(again, turn.question.client_message_id, allowance)


def turn_to_retry(principal: Principal, message_id: UUID) -> Turn:
    own = Turn.objects.visible_to(principal).select_related("question")
    turn = own.filter(reply_id=message_id).first() or own.filter(question_id=message_id).first()
    if turn is None:
        raise NotFound("There is no such message.")
    return turn


def begin(turn: Turn, principal: Principal) -> Running:
    running = Running(turn, Journal(turn.id, ledger), principal)
    _running[turn.id] = running
    loop = asyncio.get_running_loop()
    running.task = loop.create_task(run_turn(running), context=context_of_its_own())
    wakeups.announce_began(turn.conversation_id, turn.id)
    return running


def context_of_its_own() -> contextvars.Context:
    """The request's id for the log, and nothing else: a turn outlives the request, and must not use its threads."""
    context = contextvars.Context()
    context.run(structlog.contextvars.bind_contextvars, **structlog.contextvars.get_contextvars())
    return context


async def run_turn(running: Running) -> None:
    """However it ends, the reply is left saved."""
    metrics.turns_running.inc()
    event_type, body = EventType.FAILED, failure_body(InternalError(), may_retry=True)
    try:
        await answer(running)
        event_type, body = EventType.COMPLETED, endings.completed_body(running.turn, running.journal, running.answer)
    except asyncio.CancelledError:
        event_type = running.ending
        body = {} if event_type is EventType.CANCELLED else failure_body(RuntimeUnavailable(), may_retry=True)
    except ChatKitError as refusal:
        may_retry = (refusal.detail or {}).get("retry", refusal.status >= 429)
        body = failure_body(refusal, may_retry=may_retry)
    except Exception:  # the turn boundary: whatever an agent does, the visitor is told something true
        log.exception("turn_failed", turn_id=str(running.turn.id))
    finally:
        # A second cancel must not interrupt the save.
        await asyncio.shield(asyncio.ensure_future(end(running, event_type, body)))


async def answer(running: Running) -> None:
    turn, journal = running.turn, running.journal
    # The local agent has its first words at once, and one write carries both; a provider thinks first.
    tell = journal.note if turn.agent == LOCAL else journal.say
    tell(
        EventType.STARTED,
        agent=turn.agent,
        model=running.answer.model,
        conversation_id=str(turn.conversation_id),
    )
    async with aclosing(agents.answer(turn, running.answer)) as pieces:
        async for piece in pieces:
            if isinstance(piece, agents.Sources):
                journal.say(EventType.SOURCES, **piece.body())
            else:
                journal.token(piece)


async def end(running: Running, event_type: EventType, body: dict[str, Any]) -> None:
    """The last event and what it changes, in one write; whoever took the turn over before has had the last word."""
    turn, journal = running.turn, running.journal
    if event_type is EventType.CANCELLED:
        body = endings.cancelled_body(turn, journal)
    changes = endings.closing_changes(turn, journal, running.answer, event_type, body)
    entries = [*changes, *endings.extra_rows(turn, event_type, running.answer, running.principal)]
    try:
        await journal.finish(event_type, body, entries)
        measure(turn, journal, event_type)
        turn_finished.send_robust(sender=None, turn=turn, event_type=event_type)
    except (NotApplied, IntegrityError):
        log.warning("turn_was_taken_over", turn_id=str(turn.id))
    except ChatKitError:
        log.exception("turn_end_not_saved", turn_id=str(turn.id))
    finally:
        _running.pop(turn.id, None)
        journal.close()
        metrics.turns_running.dec()
        wakeups.announce(turn.id)


def measure(turn: Turn, journal: Journal, event_type: EventType) -> None:
    metrics.turns.labels(event_type.rpartition(".")[2]).inc()
    metrics.turn_seconds.observe((timezone.now() - turn.created_at).total_seconds())
    if journal.first_token_at is not None:
        metrics.first_token_seconds.observe((journal.first_token_at - turn.created_at).total_seconds())


async def follow(turn_id: UUID, after_seq: int = -1) -> AsyncGenerator[Event]:
    """What happened after `after_seq`, then what happens, to the end. It misses nothing and repeats nothing."""
    known = after_seq + 1
    while True:
        if (running := _running.get(turn_id)) is not None:
            async with aclosing(running.journal.read(known)) as events:
                async for event in events:
                    yield event
                    known = event.seq + 1
            if running.journal.is_over:
                return
        # Heard from here on, so that nothing falls between reading and waiting.
        with wakeups.listening(turn_id) as wakeup:
            found = await in_thread(recorded, turn_id, known)
            for event in found:
                yield event
                known = event.seq + 1
                if event.is_terminal:
                    return
            if len(found) == PAGE:
                continue
            if await in_thread(is_over, turn_id, known):
                return
            await wakeup.wait()


def recorded(turn_id: UUID, known: int) -> list[Event]:
    """A page of the journal from `known` on; after it was pruned, its end out of what was saved."""
    events = page(turn_id, known)
    is_open = len(events) < PAGE and not (events and events[-1].is_terminal)
    if is_open and takeover.close_if_dead(turn_id):
        events = page(turn_id, known)
    if not events and (end := list(takeover.remembered_end(turn_id, known))):
        # It may have gone on and ended since the journal was read; only a pruned journal is empty still.
        return page(turn_id, known) or end
    return events


def page(turn_id: UUID, known: int) -> list[Event]:
    rows = TurnEvent.objects.filter(turn_id=turn_id, seq__gte=known).order_by("seq")[:PAGE]
    return [
        Event(turn_id, seq, EventType(event_type), body, created_at)
        for seq, event_type, body, created_at in rows.values_list("seq", "event_type", "body", "created_at")
    ]


def is_over(turn_id: UUID, known: int) -> bool:
    """Whether somebody who asks for what comes after the end would wait for ever."""
    last = Turn.objects.filter(id=turn_id).values_list("last_seq", flat=True).first()
    return last is not None and known > last


async def cancel_turn(principal: Principal, turn_id: UUID) -> None:
    """Keeps what was written. In whatever process the turn runs, it hears of it."""
    turn = await in_thread(visible_turn, principal, turn_id)
    if turn.status != Turn.Status.RUNNING:
        return
    if stop_here(turn_id, EventType.CANCELLED):
        return
    await ledger.write(Change(Turn, {"id": turn_id}, {"cancel_requested_at": timezone.now()}))
    wakeups.announce_cancel(turn_id)


def running_in(principal: Principal, conversation_id: UUID) -> UUID | None:
    """The turn that is being answered in a conversation of one's own."""
    if not Conversation.objects.visible_to(principal).filter(id=conversation_id).exists():
        raise NotFound("There is no such conversation.")
    return Turn.objects.running().filter(conversation_id=conversation_id).values_list("id", flat=True).first()


def status_of(code: str) -> int:
    """The HTTP status of an error that a turn ended with."""
    known = {error.code: error.status for error in (RuntimeUnavailable, RateLimited, InternalError)}
    return known.get(code, RuntimeUnavailable.status)


def visible_turn(principal: Principal, turn_id: UUID) -> Turn:
    turn = Turn.objects.visible_to(principal).filter(id=turn_id).first()
    if turn is None:
        raise NotFound("There is no such turn.")
    return turn


def running_here() -> list[UUID]:
    """The turns that this process answers."""
    return list(_running)


def stop_here(turn_id: UUID, ending: EventType) -> bool:
    running = _running.get(turn_id)
    if running is None or running.task is None:
        return False
    running.ending = ending
    running.task.cancel()
    return True


async def drain(seconds: float) -> None:
    """Accepts nothing more, lets running turns finish, then ends the rest; afterwards everything is saved."""
    global _is_draining
    _is_draining = True
    if tasks := [running.task for running in _running.values() if running.task is not None]:
        await asyncio.wait(tasks, timeout=seconds)
    for turn_id in list(_running):
        stop_here(turn_id, EventType.FAILED)
    if tasks := [running.task for running in _running.values() if running.task is not None]:
        await asyncio.wait(tasks, timeout=seconds)
