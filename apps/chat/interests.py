"""What somebody is interested in: what they asked, what answered it, and which passages they were shown."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from apps.accounts.credentials import Principal
from apps.accounts.visitors import uuid_of
from apps.chat.models import Conversation, Message
from apps.knowledge.search import search

QUESTIONS = 12
REPLIES = 500
# A question counts this much of the one after it: what was asked lately says more about today.
FADING = 0.85
# A passage that answers less of a question than this is no sign of interest.
RELEVANT = 0.25
HITS, HITS_PER_PAGE = 8, 2


@dataclass(frozen=True, slots=True)
class History:
    """The last questions, newest first and each once, and all passages that were sources of an answer."""

    questions: tuple[str, ...]
    met: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Interest:
    """One question, or one topic that was named: how much it counts now, and the passages that answer it."""

    asked: str
    weight: float
    is_question: bool
    passages: tuple[tuple[UUID, int, float], ...]


def history_of(principal: Principal) -> History:
    own = Message.objects.filter(conversation__in=Conversation.objects.visible_to(principal)).order_by("-created_at")
    asked = own.filter(role=Message.Role.USER).values_list("content", flat=True)[: 3 * QUESTIONS]
    questions = list(dict.fromkeys(" ".join(text.split()) for text in asked))[:QUESTIONS]
    replies = own.filter(role=Message.Role.ASSISTANT).exclude(sources=[]).values_list("sources", flat=True)[:REPLIES]
    return History(tuple(filter(None, questions)), frozenset(sources_in(replies)))


def sources_in(replies: Iterable[list[dict[str, object]]]) -> Iterator[UUID]:
    for sources in replies:
        for source in sources:
            if (key := uuid_of(str(source.get("id")))) is not None:
                yield key


def interests_of(history: History, topics: Iterable[str]) -> list[Interest]:
    """Topics that somebody names count like the newest question."""
    named = [interest(topic, 1.0, is_question=False) for topic in topics]
    asked = [interest(question, FADING**age, is_question=True) for age, question in enumerate(history.questions)]
    return named + asked


def interest(asked: str, weight: float, *, is_question: bool) -> Interest:
    found = search(asked, limit=HITS, passages_per_page=HITS_PER_PAGE)
    passages = ((row.passage_id, row.document_id, row.score) for row in found if row.score >= RELEVANT)
    return Interest(asked, weight, is_question, tuple(passages))
