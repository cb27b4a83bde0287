"""What staff reads of conversations: the lines of a transcript, and the record that somebody read them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.chat.citations import Citation, citations_of
from apps.chat.models import Feedback, Message, TranscriptView, Turn


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a transcript."""

    role: str
    content: str
    citations: list[Citation]
    created_at: datetime | None = None
    status: str = ""
    turn: Turn | None = None
    feedback: Feedback | None = None
    facts: list[tuple[str, str]] = field(default_factory=list)


def lines_of(messages: Iterable[Message]) -> Iterator[Line]:
    for message in messages:
        turn: Turn | None = getattr(message, "answering_turn", None)
        thumb: Feedback | None = getattr(message, "feedback", None)
        facts = facts_of(turn) if turn else []
        sources = list(citations_of(message.sources))
        yield Line(message.role, message.content, sources, message.created_at, message.status, turn, thumb, facts)


def saved_lines_of(messages: Iterable[dict[str, Any]]) -> Iterator[Line]:
    for said in messages:
        yield Line(said["role"], said["content"], list(citations_of(said.get("sources", []))))


def facts_of(turn: Turn) -> list[tuple[str, str]]:
    facts = [
        ("provider", turn.agent),
        ("model", turn.model),
        ("tokens", tokens(turn)),
        ("first token", seconds(turn.created_at, turn.first_token_at)),
        ("total", seconds(turn.created_at, turn.ended_at)),
        ("ended with", turn.stop_reason),
        ("fallback", "the local agent answered" if turn.is_fallback else ""),
        ("error", turn.error),
    ]
    return [(name, value) for name, value in facts if value]


def tokens(turn: Turn) -> str:
    """As the provider counted them."""
    counts = {
        "in": turn.input_tokens,
        "out": turn.output_tokens,
        "from cache": turn.cache_read_tokens,
        "to cache": turn.cache_write_tokens,
    }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def seconds(begin: datetime, end: datetime | None) -> str:
    return "" if end is None else f"{(end - begin).total_seconds():.2f} s"


def record_view(
    staff_id: UUID | None, what: TranscriptView.What, key: object, *, conversation: UUID | None = None
) -> None:
    """Before anything is shown: what cannot be recorded is not shown either."""
    TranscriptView.objects.create(staff_id=staff_id, what=what, key=str(key), conversation_key=conversation)
