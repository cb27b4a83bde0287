"""Rows of known content: what somebody asked, what came of it, what a client reported."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.models import User, Visitor
from apps.analytics.models import Event
from apps.chat.models import Conversation, Feedback, Message, Turn

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
Person = User | Visitor


def whose(who: Person | None) -> dict[str, Any]:
    if who is None:
        return {}
    return {"user": who} if isinstance(who, User) else {"visitor": who}


def visitor() -> Visitor:
    return Visitor.objects.create(expires_at=timezone.now() + timedelta(days=30))


def source(page: str = "embedding", place: str = "") -> dict[str, Any]:
    return {"id": "1", "title": f"{page} › {place}", "url": f"https://example.com/{page}#{place}", "score": 0.9}


def turn(
    who: Person,
    question: str = "How do I embed the widget?",
    *,
    at: datetime = NOON,
    status: str = "completed",
    sources: tuple[dict[str, Any], ...] = (source(),),
    first_token_ms: float | None = 100,
    total_ms: float = 1_000,
    again: Turn | None = None,
    **fields: Any,
) -> Turn:
    """A question and what came of it; with `again` the same question another time."""
    chat = again.conversation if again else Conversation.objects.create(created_at=at, updated_at=at, **whose(who))
    asked = (
        again.question
        if again
        else Message.objects.create(conversation=chat, role="user", content=question, created_at=at)
    )
    reply = Message.objects.create(conversation=chat, role="assistant", sources=list(sources), created_at=at)
    return Turn.objects.create(
        conversation=chat,
        question=asked,
        reply=reply,
        status=status,
        created_at=at,
        first_token_at=None if first_token_ms is None else at + timedelta(milliseconds=first_token_ms),
        ended_at=None if status == "running" else at + timedelta(milliseconds=total_ms),
        **{"model": "local", **fields},
    )


def thumb(given: Turn, rating: int, *, at: datetime | None = None) -> None:
    Feedback.objects.create(message=given.reply, rating=rating, created_at=at or given.created_at)


def told(event_type: str, who: Person | None = None, *, at: datetime = NOON, **data: Any) -> Event:
    made: Event = Event.objects.create(
        event_type=event_type, source="client", created_at=at, event_data=data, **whose(who)
    )
    return made


def noticed(event_type: str, who: Person | None = None, *, at: datetime = NOON, **data: Any) -> Event:
    made: Event = Event.objects.create(
        event_type=event_type, source="server", created_at=at, event_data=data, **whose(who)
    )
    return made
