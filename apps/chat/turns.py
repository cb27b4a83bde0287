"""A question and its answer: refused or accepted, answered by a task of its own, followed by anybody who may.

`start_turn` records what was asked; nothing is acknowledged before it is durable. `run_turn` answers, and no
connection owns it: closing a browser stops nothing. `follow` tells what happened and what happens, from any point on,
to any transport, in any process. However a turn ends, its reply is left saved, with what was written and why.
"""

import asyncio
import contextvars
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from apps.accounts.credentials import Principal
from apps.accounts.models import Tier
from apps.chat import agents, takeover, wakeups
from apps.chat.events import Event, EventType, failure_body
from apps.chat.journal import Journal, event_of
from apps.chat.models import Conversation, Message, Turn, TurnEvent, owner_of
from apps.chat.signals import turn_ending, turn_finished
from apps.throttling import limits
from apps.throttling.limits import Allowance
from chatkit import metrics
from chatkit.errors import ChatKitError, Conflict, InternalError, InvalidRequest, NotFound, ServerAtCapacity, ServiceUnavailable
from chatkit.ids import new_id
from chatkit.ledger import Change, Entry, NotApplied, ledger
from chatkit.logging import get_logger
from chatkit.threads import in_thread

log = get_logger(__name__)

LONGEST_SELECTION = 5_000
LONGEST_TITLE = 80
# The conversation of a first message is derived from the message, so that sending it again finds it.
FIRST_MESSAGES = uuid.UUID("6f9d2a60-0a52-4f2e-9d7d-0f3f6c1f5b11")
ONE_TICK = timedelta(microseconds=1)
LIMIT_OF_TIER = {
    Tier.ANONYMOUS: "chat_anonymous",
    Tier.LIGHTWEIGHT: "chat_lightweight",
    Tier.FULL: "chat_full",
}


class MessageEmpty(InvalidRequest):
    code = "message_empty"
    sentence = "Write a question first."


class MessageTooLong(InvalidRequest):
    code = "message_too_long"


class SelectedTextTooLong(InvalidRequest):
    code = "selected_text_too_long"
    sentence = f"Select at most {LONGEST_SELECTION} characters."


class TurnInProgress(Conflict):
    code = "turn_in_progress"
    sentence = "The previous question is still being answered."


class RuntimeUnavailable(ServiceUnavailable):
    code = "runtime_unavailable"
    sentence = "The answer was interrupted. Please try again."


class Repeated(Exception):  # noqa: N818 - not an error: this was asked before, and there is a turn
    def __init__(self, turn: "Accepted") -> None:
        self.turn = turn
        super().__init__()


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What somebody wants answered, as every transport hands it in."""

    text: str
    conversation_id: UUID | None = None
    client_message_id: UUID | None = None
    mode: str = "browse"
    selected_text: str = ""
    page_url: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was recorded, and so may be acknowledged."""

    turn_id: UUID
    conversation_id: UUID
    message_id: UUID
    reply_id: UUID
    client_message_id: UUID | None
    allowance: Allowance | None = None

    def ids(self) -> dict[str, str]:
        """As every transport names them to clients; the message is the reply."""
        return {
            "conversation_id": str(self.conversation_id),
            "message_id": str(self.reply_id),
            "turn_id": str(self.turn_id),
        }


@dataclass(slots=True)
class Running:
    """A turn that this process is answering."""

    turn: Turn
    journal: Journal
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
    begin(turn)
    return accepted(turn, request.client_message_id, allowance)


def checked(request: TurnRequest) -> TurnRequest:
    text, selected = request.text.strip(), request.selected_text.strip()
    longest = settings.CHATKIT.max_message_chars
    if not text:
        raise MessageEmpty
    if len(text) > longest:
        raise MessageTooLong(f"A message may have {longest} characters; this one has {len(text)}.")
    if len(selected) > LONGEST_SELECTION:
        raise SelectedTextTooLong
    if request.mode == "chat" and not selected:
        raise InvalidRequest.of({"context.selected_text": ["Select the text that the question is about."]})
    return TurnRequest(
        text, request.conversation_id, request.client_message_id, request.mode, selected, request.page_url
    )


def conversation_of(principal: Principal, request: TurnRequest) -> tuple[UUID, bool]:
    """The conversation meant, and whether it is certain to be new."""
    if request.conversation_id is not None:
        return request.conversation_id, False
    if request.client_message_id is None:
        return new_id(), True
    return uuid.uuid5(FIRST_MESSAGES, f"{principal.subject} {request.client_message_id}"), True


def rows_for(
    principal: Principal, request: TurnRequest, conversation_id: UUID, *, is_new: bool
) -> tuple[Turn, list[Entry]]:
    now = timezone.now()
    question = Message(
        id=new_id(),
        conversation_id=conversation_id,
        role=Message.Role.USER,
        content=request.text,
        client_message_id=request.client_message_id,
        created_at=now,
    )
    context = {"selected_text": request.selected_text, "page_url": request.page_url}
    turn, reply = answer_rows(question, mode=request.mode, context=context)
    if is_new:
        title = request.text[:LONGEST_TITLE]
        times = {"created_at": now, "updated_at": now}
        return turn, [
            Conversation(id=conversation_id, title=title, **owner_of(principal), **times),
            question,
            reply,
            turn,
        ]
    return turn, [Change(Conversation, {"id": conversation_id}, {"updated_at": now}), question, reply, turn]


def answer_rows(question: Message, *, mode: str, context: dict[str, str]) -> tuple[Turn, Message]:
    """A turn for a question, and the reply it will write."""
    now = max(timezone.now(), question.created_at + ONE_TICK)
    reply = Message(
        id=new_id(),
        conversation_id=question.conversation_id,
        role=Message.Role.ASSISTANT,
        status=Message.Status.WRITING,
        created_at=now,
    )
    turn = Turn(
        id=new_id(),
        conversation_id=question.conversation_id,
        question=question,
        reply=reply,
        mode=mode,
        context={name: value for name, value in context.items() if value},
        agent=settings.CHATKIT.agent,
        heartbeat_at=now,
        created_at=now,
    )
    return turn, reply


def admit(principal: Principal, request: TurnRequest, conversation_id: UUID, *, is_new: bool) -> Allowance | None:
    """Runs inside the transaction of the write: refuses by name, and counts the call last."""
    if is_new and request.client_message_id is None:
        return count(principal)
    if not is_new and not Conversation.objects.visible_to(principal).filter(id=conversation_id).exists():
        raise NotFound("There is no such conversation.")
    if (earlier := asked_before(conversation_id, request.client_message_id)) is not None:
        raise Repeated(earlier)
    if Turn.objects.running().filter(conversation_id=conversation_id).exists():
        raise TurnInProgress
    return count(principal)


def asked_before(conversation_id: UUID, client_message_id: UUID | None) -> Accepted | None:
    if client_message_id is None:
        return None
    same = Turn.objects.filter(question__conversation_id=conversation_id, question__client_message_id=client_message_id)
    turn = same.order_by("-created_at").first()
    return None if turn is None else accepted(turn, client_message_id)


def count(principal: Principal) -> Allowance | None:
    """One call of the person's or visitor's tier; premium has no limit."""
    name = LIMIT_OF_TIER.get(principal.tier)
    return None if name is None else limits.require(principal.subject, name)


def accepted(turn: Turn, client_message_id: UUID | None, allowance: Allowance | None = None) -> Accepted:
    return Accepted(turn.id, turn.conversation_id, turn.question_id, turn.reply_id, client_message_id, allowance)


async def retell(
    principal: Principal, request: TurnRequest, conversation_id: UUID, conflict: IntegrityError
) -> Accepted:
    try:
        await in_thread(admit, principal, request, conversation_id, is_new=request.conversation_id is None)
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
    begin(again)
    return accepted(again, turn.question.client_message_id, allowance)


def turn_to_retry(principal: Principal, message_id: UUID) -> Turn:
    own = Turn.objects.visible_to(principal).select_related("question")
    turn = own.filter(reply_id=message_id).first() or own.filter(question_id=message_id).first()
    if turn is None:
        raise NotFound("There is no such message.")
    return turn


def begin(turn: Turn) -> Running:
    """A task in a context of its own: it outlives the request, and must not use the request's threads."""
    running = Running(turn, Journal(turn.id, ledger))
    _running[turn.id] = running
    loop = asyncio.get_running_loop()
    running.task = loop.create_task(run_turn(running), context=contextvars.Context())
    wakeups.announce_began(turn.conversation_id, turn.id)
    return running


async def run_turn(running: Running) -> None:
    """However it ends, the reply is left saved."""
    metrics.turns_running.inc()
    beating = asyncio.get_running_loop().create_task(takeover.beat(running.turn.id, stop_here))
    event_type, body = EventType.FAILED, failure_body(InternalError(), may_retry=True)
    try:
        await answer(running)
        event_type, body = EventType.COMPLETED, completed_body(running)
    except asyncio.CancelledError:
        event_type = running.ending
        body = {} if event_type is EventType.CANCELLED else failure_body(RuntimeUnavailable(), may_retry=True)
    except ChatKitError as refusal:
        body = failure_body(refusal, may_retry=refusal.status >= 429)
    except Exception:  # the turn boundary: whatever an agent does, the visitor is told something true
        log.exception("turn_failed", turn_id=str(running.turn.id))
    finally:
        beating.cancel()
        # A second cancel must not interrupt the save.
        await asyncio.shield(asyncio.ensure_future(end(running, event_type, body)))


async def answer(running: Running) -> None:
    turn, journal = running.turn, running.journal
    journal.say(
        EventType.STARTED,
        agent=turn.agent,
        model=settings.CHATKIT.agent_model or turn.agent,
        conversation_id=str(turn.conversation_id),
    )
    prompt = await in_thread(agents.prompt_for, turn)
    async with aclosing(agents.answer(prompt, running.answer)) as pieces:
        async for piece in pieces:
            if isinstance(piece, agents.Sources):
                journal.say(EventType.SOURCES, sources=piece.sources)
            else:
                journal.token(piece)


async def end(running: Running, event_type: EventType, body: dict[str, Any]) -> None:
    """The last event and what it changes, in one write; whoever took the turn over before has had the last word."""
    turn, journal = running.turn, running.journal
    if event_type is EventType.CANCELLED:
        body = {"message_id": str(turn.reply_id), "answer": journal.content}
    entries = [*closing_changes(running, event_type, body), *extra_rows(turn, event_type, running.answer)]
    try:
        await journal.finish(event_type, body, entries)
    except (NotApplied, IntegrityError):
        log.warning("turn_was_taken_over", turn_id=str(turn.id))
    except ChatKitError:
        log.exception("turn_end_not_saved", turn_id=str(turn.id))
    finally:
        _running.pop(turn.id, None)
        journal.close()
        metrics.turns_running.dec()
        metrics.turns.labels(event_type.rpartition(".")[2]).inc()
        wakeups.announce(turn.id)
    turn_finished.send_robust(sender=None, turn=turn, event_type=event_type)


ENDED = {
    EventType.COMPLETED: (Turn.Status.COMPLETED, Message.Status.COMPLETE),
    EventType.CANCELLED: (Turn.Status.CANCELLED, Message.Status.CANCELLED),
    EventType.FAILED: (Turn.Status.FAILED, Message.Status.FAILED),
}


def closing_changes(running: Running, event_type: EventType, body: dict[str, Any]) -> list[Entry]:
    turn, journal, outcome = running.turn, running.journal, running.answer
    turn_status, reply_status = ENDED[event_type]
    now = timezone.now()
    ended = {
        "status": turn_status,
        "error": body.get("error", ""),
        "model": outcome.model,
        "first_token_at": journal.first_token_at,
        "ended_at": now,
        "last_seq": journal.last_seq_at_end,
    }
    reply = {
        "content": journal.content,
        "status": reply_status,
        "sources": outcome.sources,
        "metadata": outcome.metadata(turn.created_at, now),
    }
    return [
        Change(Turn, {"id": turn.id, "status": Turn.Status.RUNNING}, ended, must_match=True),
        Change(Message, {"id": turn.reply_id}, reply),
    ]


def extra_rows(turn: Turn, event_type: EventType, outcome: agents.Outcome) -> list[Entry]:
    """What listeners want committed together with the end of the turn."""
    answers = turn_ending.send_robust(sender=None, turn=turn, event_type=event_type, outcome=outcome)
    return [row for _, rows in answers if isinstance(rows, list) for row in rows]


def completed_body(running: Running) -> dict[str, Any]:
    turn = running.turn
    return {
        "message_id": str(turn.reply_id),
        "answer": running.journal.content,
        "metadata": running.answer.metadata(turn.created_at, timezone.now()),
    }


async def follow(turn_id: UUID, after_seq: int = -1) -> AsyncIterator[Event]:
    """What happened after `after_seq`, then what happens, up to the end of the turn. Missing nothing, repeating nothing."""
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
            for event in await in_thread(recorded, turn_id, known):
                yield event
                known = event.seq + 1
                if event.is_terminal:
                    return
            if await in_thread(is_over, turn_id, known):
                return
            await wakeup.wait()


def recorded(turn_id: UUID, known: int) -> list[Event]:
    """The journal from `known` on; after it was pruned, its end out of what was saved."""
    takeover.close_if_dead(turn_id)
    events = [event_of(row) for row in TurnEvent.objects.filter(turn_id=turn_id, seq__gte=known).order_by("seq")]
    return events or list(takeover.remembered_end(turn_id, known))


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


def limits_for(principal: Principal) -> dict[str, Any]:
    """What is left of one's limits, without counting."""
    name = LIMIT_OF_TIER.get(principal.tier)
    if name is None or (count := limits.rate_of(name).count) is None:
        return {}
    left = limits.status(principal.subject, name)
    window = {"limit": count, "window": left.rate.seconds}
    return {left.action: {**window, "remaining": left.remaining, "reset_seconds": left.reset_seconds}}


def status_of(code: str) -> int:
    """The HTTP status of an error that a turn ended with."""
    known = {error.code: error.status for error in (RuntimeUnavailable, limits.RateLimited, InternalError)}
    return known.get(code, RuntimeUnavailable.status)


def visible_turn(principal: Principal, turn_id: UUID) -> Turn:
    turn = Turn.objects.visible_to(principal).filter(id=turn_id).first()
    if turn is None:
        raise NotFound("There is no such turn.")
    return turn


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
