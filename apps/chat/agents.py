"""Who answers. An agent says where it looked, then what it found, piece by piece."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from apps.chat.models import Message, Turn
from apps.gateway import choice, prompts
from apps.gateway.accounts import Account
from apps.gateway.choice import Chosen
from apps.gateway.failures import Failure
from apps.gateway.markers import Markers
from apps.gateway.models import site_instructions
from apps.gateway.protocol import Delta, Request, Usage
from apps.knowledge import answers
from apps.knowledge.evidence import Evidence, evidence
from apps.knowledge.search import Found
from chatkit import metrics
from chatkit.threads import in_thread

REMEMBERED_MESSAGES = 20
# Before the budget of tokens says how many of them are told again.
MOST_MESSAGES_TOLD = 200
# The stop reason of an answer that a person, or the end of the process, broke off.
CANCELLED = "cancelled"
# That of the local agent where no passage answers, though it may name pages that come near.
NOTHING_FOUND = "nothing_found"
# What the columns hold.
LONGEST_MODEL, LONGEST_REASON = 100, 32


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question with all that may be needed to answer it."""

    question: str
    mode: str
    selected_text: str
    history: tuple[tuple[str, str], ...]

    @property
    def selection(self) -> str:
        return self.selected_text if self.mode == "chat" else ""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an answer may cite. The local agent says where it stands in for a provider."""

    sources: list[dict[str, Any]]
    is_fallback: bool = False

    def body(self) -> dict[str, Any]:
        return {"sources": self.sources, **({"fallback": True} if self.is_fallback else {})}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model is asked, and the sources that its numbers name."""

    request: Request
    evidence: Evidence

    def sources(self) -> list[dict[str, Any]]:
        return [source_of(found) for found in self.evidence.sources()]


def model_asked() -> str:
    return str(settings.CHATKIT.model)


@dataclass(slots=True)
class Outcome:
    """What is known of an answer besides its text, filled in as it is given."""

    model: str = field(default_factory=model_asked)
    tokens_used: int = 0
    retrieval_ms: float = 0.0
    sources: list[dict[str, Any]] = field(default_factory=list)
    has_begun: bool = False
    usage: Usage | None = None
    # Why the model stopped, or why it never began or broke off.
    stop_reason: str = ""
    is_fallback: bool = False

    def metadata(self, began: datetime, ended: datetime) -> dict[str, Any]:
        total = (ended - began).total_seconds() * 1000
        return {
            "model": self.model,
            "tokens_used": self.tokens_used + (self.usage.total if self.usage else 0),
            "retrieval_time_ms": round(self.retrieval_ms, 2),
            "generation_time_ms": round(max(0.0, total - self.retrieval_ms), 2),
            "total_time_ms": round(total, 2),
            "fallback": self.is_fallback,
        }

    def columns(self) -> dict[str, Any]:
        """As it is kept with the turn."""
        usage = self.usage or Usage()
        return {
            "model": self.model[:LONGEST_MODEL],
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "stop_reason": self.stop_reason[:LONGEST_REASON],
            "is_fallback": self.is_fallback,
        }


def prompt_for(turn: Turn, most: int = REMEMBERED_MESSAGES) -> Prompt:
    """The question and what was said before it, oldest first."""
    question = turn.question
    before = Message.objects.filter(conversation_id=turn.conversation_id, created_at__lt=question.created_at)
    said = before.exclude(content="").order_by("-created_at").values_list("role", "content")[:most]
    selected = turn.context.get("selected_text", "")
    return Prompt(question.content, turn.mode, selected, tuple(reversed(said)))


async def answer(turn: Turn, outcome: Outcome) -> AsyncGenerator[Sources | str]:
    """Whom AGENT names, or the local agent in its place where the provider cannot begin."""
    provider = choice.chosen()
    pieces = from_passages(turn, outcome) if provider is None else from_model(provider, turn, outcome)
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece


async def from_passages(turn: Turn, outcome: Outcome) -> AsyncGenerator[Sources | str]:
    """The local agent: out of the site's own passages, and nothing that does not stand there."""
    outcome.model = choice.LOCAL
    began = time.perf_counter()
    composed = await in_thread(compose, turn)
    outcome.retrieval_ms += (time.perf_counter() - began) * 1000
    outcome.sources = [source_of(found) for found in composed.sources]
    if composed.kind is answers.Kind.NOTHING:
        outcome.stop_reason = outcome.stop_reason or NOTHING_FOUND
    yield Sources(outcome.sources, outcome.is_fallback)
    for chunk in composed.chunks:
        outcome.tokens_used += 1
        yield chunk


async def from_model(provider: Chosen, turn: Turn, outcome: Outcome) -> AsyncGenerator[Sources | str]:
    """What the provider's model says, or the local agent where it said nothing and AGENT_FALLBACK allows it."""
    failure = None
    try:
        async with aclosing(with_sources(provider, turn, outcome)) as pieces:
            async for piece in pieces:
                yield piece
    except Failure as exc:
        failure = exc
    if failure is None:
        return
    if outcome.has_begun or settings.CHATKIT.agent_fallback != choice.LOCAL:
        raise failure.for_visitors() from failure
    outcome.is_fallback = True
    metrics.turn_fallbacks.inc()
    async with aclosing(from_passages(turn, outcome)) as pieces:
        async for piece in pieces:
            yield piece


async def with_sources(provider: Chosen, turn: Turn, outcome: Outcome) -> AsyncGenerator[Sources | str]:
    """The sources are told with the first words: only then is it certain that they are not the fallback's."""
    began = time.perf_counter()
    asked = await in_thread(prepare, turn)
    outcome.retrieval_ms = (time.perf_counter() - began) * 1000
    # While the model thinks.
    finding = asyncio.ensure_future(in_thread(asked.sources))
    try:
        async with aclosing(worded(provider, asked, outcome)) as texts:
            async for text in texts:
                if not outcome.has_begun:
                    outcome.has_begun, outcome.sources = True, await finding
                    yield Sources(outcome.sources)
                yield text
    finally:
        finding.cancel()


async def worded(provider: Chosen, asked: Asked, outcome: Outcome) -> AsyncGenerator[str]:
    """The model's words with their citations checked. However it ends, what it cost is known."""
    markers, account = Markers(len(asked.evidence.hits)), Account(provider.name, asked.request)
    broke_off = CANCELLED
    try:
        async with aclosing(provider.ask(asked.request)) as pieces:
            async for piece in pieces:
                account.note(piece)
                if isinstance(piece, Delta) and (text := markers.feed(piece.text)):
                    yield text
        broke_off = ""
        if text := markers.rest():
            yield text
    except Failure as failure:
        broke_off = failure.kind
        raise
    finally:
        outcome.usage = account.close(is_complete=not broke_off)
        outcome.stop_reason = broke_off or outcome.usage.stop_reason


def prepare(turn: Turn) -> Asked:
    """What the model is asked: the question, what was said before, and what the documents say about it."""
    asked = prompt_for(turn, MOST_MESSAGES_TOLD)
    found = evidence(asked.question, selected_text=asked.selection, turns=asked.history)
    material = prompts.Material(
        question=asked.question,
        passages=[prompts.Passage(str(hit.passage_id), hit.title, hit.url, hit.text) for hit in found.hits],
        history=asked.history,
        selected_text=asked.selection,
        language=found.language,
        site_instructions=site_instructions(),
    )
    config = settings.CHATKIT
    request = prompts.prompt(material, history_tokens=config.agent_history_tokens, most_tokens=config.agent_max_tokens)
    return Asked(request, found)


def compose(turn: Turn) -> answers.Answer:
    prompt = prompt_for(turn)
    return answers.answer(prompt.question, selected_text=prompt.selection, turns=prompt.history)


def source_of(found: Found) -> dict[str, Any]:
    return {
        "id": str(found.passage_id),
        "title": found.title,
        "url": found.url,
        "excerpt": found.excerpt,
        "score": round(found.score, 3),
    }
