"""Who answers. An agent says where it looked, then what it found, piece by piece."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.chat.models import Message, Turn
from apps.knowledge import answers
from apps.knowledge.search import Found
from chatkit.threads import in_thread

REMEMBERED_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question with all that may be needed to answer it."""

    question: str
    mode: str
    selected_text: str
    history: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sources:
    sources: list[dict[str, Any]]


@dataclass(slots=True)
class Outcome:
    """What is known of an answer besides its text, filled in as it is given."""

    model: str = "local"
    tokens_used: int = 0
    retrieval_ms: float = 0.0
    sources: list[dict[str, Any]] = field(default_factory=list)

    def metadata(self, began: datetime, ended: datetime) -> dict[str, Any]:
        total = (ended - began).total_seconds() * 1000
        return {
            "model": self.model,
            "tokens_used": self.tokens_used,
            "retrieval_time_ms": round(self.retrieval_ms, 2),
            "generation_time_ms": round(max(0.0, total - self.retrieval_ms), 2),
            "total_time_ms": round(total, 2),
        }


def prompt_for(turn: Turn) -> Prompt:
    """The question and what was said before it, oldest first."""
    question = turn.question
    before = Message.objects.filter(conversation_id=turn.conversation_id, created_at__lt=question.created_at)
    said = before.exclude(content="").order_by("-created_at").values_list("role", "content")[:REMEMBERED_MESSAGES]
    selected = turn.context.get("selected_text", "")
    return Prompt(question.content, turn.mode, selected, tuple(reversed(said)))


async def answer(turn: Turn, outcome: Outcome) -> AsyncGenerator[Sources | str]:
    """The local agent: out of the site's own passages, and nothing that does not stand there."""
    began = time.perf_counter()
    composed = await in_thread(compose, turn)
    outcome.retrieval_ms = (time.perf_counter() - began) * 1000
    outcome.sources = [source_of(found) for found in composed.sources]
    yield Sources(outcome.sources)
    for chunk in composed.chunks:
        outcome.tokens_used += 1
        yield chunk


def compose(turn: Turn) -> answers.Answer:
    prompt = prompt_for(turn)
    selected = prompt.selected_text if prompt.mode == "chat" else ""
    return answers.answer(prompt.question, selected_text=selected, turns=prompt.history)


def source_of(found: Found) -> dict[str, Any]:
    return {
        "id": str(found.passage_id),
        "title": found.title,
        "url": found.url,
        "excerpt": found.excerpt,
        "score": round(found.score, 3),
    }
