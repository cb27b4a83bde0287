"""How turns end: what is told, and what is committed together with it."""

from typing import Any

from django.utils import timezone

from apps.accounts.credentials import Principal
from apps.chat.agents import Outcome
from apps.chat.events import EventType
from apps.chat.journal import Journal
from apps.chat.models import Message, Turn
from apps.chat.signals import turn_ending
from chatkit.entries import Change, Entry

ENDED = {
    EventType.COMPLETED: (Turn.Status.COMPLETED, Message.Status.COMPLETE),
    EventType.CANCELLED: (Turn.Status.CANCELLED, Message.Status.CANCELLED),
    EventType.FAILED: (Turn.Status.FAILED, Message.Status.FAILED),
}


def closing_changes(
    turn: Turn, journal: Journal, outcome: Outcome, event_type: EventType, body: dict[str, Any]
) -> list[Entry]:
    turn_status, reply_status = ENDED[event_type]
    now = timezone.now()
    ended = {
        "status": turn_status,
        "error": body.get("error", ""),
        **outcome.columns(),
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


def extra_rows(turn: Turn, event_type: EventType, outcome: Outcome, principal: Principal) -> list[Entry]:
    """What listeners want committed together with the end of the turn."""
    facts = {"turn": turn, "event_type": event_type, "outcome": outcome, "principal": principal}
    answers = turn_ending.send_robust(sender=None, **facts)
    return [row for _, rows in answers if isinstance(rows, list) for row in rows]


def completed_body(turn: Turn, journal: Journal, outcome: Outcome) -> dict[str, Any]:
    return {
        "message_id": str(turn.reply_id),
        "answer": journal.content,
        "metadata": outcome.metadata(turn.created_at, timezone.now()),
    }


def cancelled_body(turn: Turn, journal: Journal) -> dict[str, Any]:
    return {"message_id": str(turn.reply_id), "answer": journal.content}
