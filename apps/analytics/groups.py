"""Questions of a period, those that are alike together: what is asked most, and what gets no good answer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.analytics.models import AskedQuestion
from apps.analytics.periods import Period
from apps.analytics.questions import terms_of
from apps.chat.models import Feedback, Turn

# Groups of the same words that are looked at; those of nearly the same words are joined after that.
LOOKED_AT = 300
MOST_GROUPS = 50
MOST_TURNS = 20
ALIKE = 0.6
LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """`question` is the one asked last, and the turns are the last ones; `asked` counts all.

    For a group of unanswered questions the other numbers say why: no source, a thumb down, tried again. A turn may
    count in several.
    """

    question: str
    asked: int
    unsourced: int
    disliked: int
    retried: int
    last_asked_at: datetime
    turn_ids: tuple[UUID, ...]


Row = Mapping[str, Any]


def unanswered_questions(period: Period, most: int = MOST_GROUPS) -> tuple[QuestionGroup, ...]:
    disliked = disliked_turns(period)
    wanting = Q(is_unsourced=True) | Q(is_retried=True) | Q(turn__in=disliked)
    return groups_of(asked_in(period).filter(wanting, turn__handling=None), most)


def top_questions(period: Period, most: int = MOST_GROUPS) -> tuple[QuestionGroup, ...]:
    return groups_of(asked_in(period), most)


def asked_in(period: Period) -> "QuerySet[AskedQuestion]":
    return AskedQuestion.objects.filter(created_at__gte=period.begin, created_at__lt=period.end).order_by()


def disliked_turns(period: Period) -> "QuerySet[Turn, UUID]":
    down = Feedback.objects.filter(rating=Feedback.Rating.DOWN).values("message")
    asked = Turn.objects.filter(created_at__gte=period.begin, created_at__lt=period.end)
    return asked.filter(reply__in=down).order_by().values_list("id", flat=True)


def groups_of(asked: "QuerySet[AskedQuestion]", most: int) -> tuple[QuestionGroup, ...]:
    counted = asked.values("likeness").annotate(asked=Count("pk"), last=Max("created_at"))
    rows = {row["likeness"]: row for row in counted.order_by("-asked", "-last")[:LOOKED_AT]}
    spoken = texts_of(asked, rows)
    clusters = joined(rows, {likeness: terms_of(text) for likeness, text in spoken.items()})[:most]
    kept = [likeness for cluster in clusters for likeness in cluster]
    turns, reasons = turns_of(asked, kept), reasons_of(asked, kept)
    return tuple(group(cluster, rows, spoken, turns, reasons) for cluster in clusters)


def texts_of(asked: "QuerySet[AskedQuestion]", rows: Mapping[int, Row]) -> dict[int, str]:
    """For each group the question that was asked last."""
    last = asked.filter(likeness__in=rows, created_at__in={row["last"] for row in rows.values()})
    columns = ("likeness", "created_at", "turn__question__content")
    return {
        likeness: " ".join(text.split())[:LONGEST_SHOWN]
        for likeness, moment, text in last.values_list(*columns)
        if rows[likeness]["last"] == moment
    }


def joined(rows: Mapping[int, Row], terms: Mapping[int, frozenset[str]]) -> list[list[int]]:
    """Groups of nearly the same words become one, the largest first."""
    clusters: list[list[int]] = []
    for likeness in rows:
        near = next((one for one in clusters if likeness_between(terms, one[0], likeness) >= ALIKE), None)
        if near is None:
            clusters.append([likeness])
        else:
            near.append(likeness)
    return sorted(clusters, key=lambda cluster: -sum(rows[likeness]["asked"] for likeness in cluster))


def likeness_between(terms: Mapping[int, frozenset[str]], one: int, other: int) -> float:
    """The share of all their words that both have."""
    first, second = terms.get(one, frozenset()), terms.get(other, frozenset())
    return len(first & second) / len(first | second) if first and second else 0.0


def turns_of(asked: "QuerySet[AskedQuestion]", kept: Sequence[int]) -> dict[int, list[tuple[datetime, UUID]]]:
    place = Window(RowNumber(), partition_by=F("likeness"), order_by=F("created_at").desc())
    last = asked.filter(likeness__in=kept).annotate(place=place).filter(place__lte=MOST_TURNS)
    found: dict[int, list[tuple[datetime, UUID]]] = defaultdict(list)
    for likeness, moment, turn in last.values_list("likeness", "created_at", "turn_id"):
        found[likeness].append((moment, turn))
    return found


def reasons_of(asked: "QuerySet[AskedQuestion]", kept: Sequence[int]) -> dict[int, Row]:
    down = Q(turn__reply__feedback__rating=Feedback.Rating.DOWN)
    counted = (
        asked.filter(likeness__in=kept)
        .values("likeness")
        .annotate(
            unsourced=Count("pk", filter=Q(is_unsourced=True)),
            retried=Count("pk", filter=Q(is_retried=True)),
            disliked=Count("pk", filter=down),
        )
    )
    return {row["likeness"]: row for row in counted}


def group(
    cluster: Sequence[int],
    rows: Mapping[int, Row],
    spoken: Mapping[int, str],
    turns: Mapping[int, Iterable[tuple[datetime, UUID]]],
    reasons: Mapping[int, Row],
) -> QuestionGroup:
    def total(name: str, of: Mapping[int, Row]) -> int:
        return sum(of[likeness][name] for likeness in cluster if likeness in of)

    last = sorted((turn for likeness in cluster for turn in turns.get(likeness, ())), reverse=True)[:MOST_TURNS]
    return QuestionGroup(
        question=spoken.get(cluster[0], ""),
        asked=total("asked", rows),
        unsourced=total("unsourced", reasons),
        disliked=total("disliked", reasons),
        retried=total("retried", reasons),
        last_asked_at=max(rows[likeness]["last"] for likeness in cluster),
        turn_ids=tuple(turn for _, turn in last),
    )
