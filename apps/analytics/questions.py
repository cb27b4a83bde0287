"""Questions that are alike: made of the same words, whatever their order, endings and small words."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Max, Q

from apps.analytics.models import AskedQuestion
from apps.chat.agents import NOTHING_FOUND
from apps.chat.models import Turn
from apps.knowledge.conversation import language_of, small_talk
from apps.knowledge.languages import stop_words, words
from apps.knowledge.search import default_language

AT_ONCE = 1_000
LONGEST_READ = 2_000
# A turn ends long before this, and is looked for again until then.
ENDS_WITHIN = timedelta(hours=1)


def terms_of(text: str) -> frozenset[str]:
    """What a question names. Where it only has small words, those."""
    tongue = language_of(text, default_language())
    said = list(words(text[:LONGEST_READ], tongue))
    named = frozenset(word.term for word in said if word.plain not in stop_words(tongue))
    return named or frozenset(word.term for word in said)


def likeness_of(text: str) -> int:
    """One number for all questions of the same words, that does not tell which."""
    spelled = " ".join(sorted(terms_of(text))) or " ".join(text.split()).lower()
    return int.from_bytes(hashlib.sha256(spelled.encode()).digest()[:8], "big", signed=True)


def catch_up(most: int | None = None) -> int:
    """Notes the turns that have ended since the last time, and says how many."""
    noted, after = 0, begin()
    while (most is None or noted < most) and (batch := waiting(after)):
        noted += len(batch)
        try:
            note(batch)
        except IntegrityError:
            continue  # one of these was deleted a moment ago, and is not found again
        # Else each batch would be searched for among all that came before it.
        after = batch[-1]["created_at"] - ENDS_WITHIN
    return noted


def begin() -> datetime | None:
    last = AskedQuestion.objects.aggregate(last=Max("created_at"))["last"]
    return None if last is None else last - ENDS_WITHIN


def waiting(after: datetime | None) -> list[dict[str, Any]]:
    since = Q() if after is None else Q(created_at__gte=after)
    ended = Turn.objects.filter(since, asked=None).exclude(status=Turn.Status.RUNNING).order_by("created_at")
    columns = (
        "id",
        "question_id",
        "mode",
        "status",
        "created_at",
        "stop_reason",
        "question__content",
        "reply__sources",
    )
    return [dict(row) for row in ended.values(*columns)[:AT_ONCE]]


def note(turns: Sequence[dict[str, Any]]) -> None:
    AskedQuestion.objects.bulk_create([asked(turn) for turn in turns], ignore_conflicts=True)
    # Each but the last turn of a question was not good enough, or failed.
    tried: dict[UUID, list[tuple[datetime, UUID]]] = {}
    again = Turn.objects.filter(question__in={turn["question_id"] for turn in turns})
    for question, created, turn in again.values_list("question_id", "created_at", "id"):
        tried.setdefault(question, []).append((created, turn))
    retried = [turn for several in tried.values() for _, turn in sorted(several)[:-1]]
    AskedQuestion.objects.filter(turn__in=retried, is_retried=False).update(is_retried=True)


def asked(turn: dict[str, Any]) -> AskedQuestion:
    text = turn["question__content"]
    is_answered_from_documents = turn["status"] == Turn.Status.COMPLETED and turn["mode"] == "browse"
    return AskedQuestion(
        turn_id=turn["id"],
        likeness=likeness_of(text),
        is_unsourced=is_answered_from_documents and found_nothing(turn),
        created_at=turn["created_at"],
    )


def found_nothing(turn: dict[str, Any]) -> bool:
    if turn["stop_reason"] == NOTHING_FOUND:
        return True
    return not turn["reply__sources"] and not is_small_talk(turn["question__content"])


def is_small_talk(text: str) -> bool:
    return small_talk(text, default_language()) is not None
