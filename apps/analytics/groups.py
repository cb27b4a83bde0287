"""Questions of a period, those that are alike together: what is asked most, and what gets no good answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from apps.analytics.models import IN_VAIN, AskedQuestion
from apps.analytics.periods import Period
from apps.analytics.questions import terms_of
from apps.chat.models import Feedback, HandledQuestion

# Groups of the same words that are looked at; those of nearly the same words are joined after that.
LOOKED_AT = 150
MOST_GROUPS = 25
MOST_TURNS = 20
ALIKE = 0.6
LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """`question` is the one asked last, and the turns are the last ones; `asked` counts all.

    In a group of unanswered questions the other numbers say why: no source, a thumb down, tried again. A turn may count
    in several. They are 0 where the question was only how often.
    """

    question: str
    asked: int
    unsourced: int
    disliked: int
    retried: int
    last_asked_at: datetime
    turn_ids: tuple[UUID, ...]


@dataclass(slots=True)
class Alike:
    """Questions of the same words: how many, why they count, and when one was asked last."""

    last: datetime
    asked: int = 0
    unsourced: int = 0
    retried: int = 0
    disliked: int = 0


Found = dict[int, Alike]
Asked = QuerySet[AskedQuestion]


def unanswered_questions(period: Period, most: int = MOST_GROUPS) -> tuple[QuestionGroup, ...]:
    """But for those that somebody has looked after since.

    Two questions to the database, because one with an "or" between them would read every turn there is.
    """
    asked = asked_in(period).exclude(turn__in=HandledQuestion.objects.values("turn"))
    found = in_vain(asked.filter(IN_VAIN))
    disliked = asked.filter(turn__reply__feedback__rating=Feedback.Rating.DOWN)
    for row in disliked.values("likeness", "is_unsourced", "is_retried", "created_at"):
        alike = found.setdefault(row["likeness"], Alike(row["created_at"]))
        alike.disliked += 1
        alike.asked += not (row["is_unsourced"] or row["is_retried"])
        alike.last = max(alike.last, row["created_at"])
    down = Q(turn__in=disliked.values("turn"))
    return groups_of(asked.filter(IN_VAIN | down), found, most)


def top_questions(period: Period, most: int = MOST_GROUPS) -> tuple[QuestionGroup, ...]:
    """How often, and no reasons: that is what the other report is for."""
    asked = asked_in(period)
    counted = asked.values("likeness").annotate(asked=Count("*"), last=Max("created_at"))
    rows = counted.order_by("-asked", "-last")[:LOOKED_AT]
    return groups_of(asked, {row["likeness"]: Alike(row["last"], row["asked"]) for row in rows}, most)


def asked_in(period: Period) -> Asked:
    return AskedQuestion.objects.filter(created_at__gte=period.begin, created_at__lt=period.end).order_by()


def in_vain(asked: Asked) -> Found:
    counted = asked.values("likeness").annotate(
        asked=Count("*"),
        last=Max("created_at"),
        unsourced=Count("likeness", filter=Q(is_unsourced=True)),
        retried=Count("likeness", filter=Q(is_retried=True)),
    )
    rows = counted.order_by("-asked", "-last")[:LOOKED_AT]
    return {row.pop("likeness"): Alike(**row) for row in map(dict, rows)}


def groups_of(asked: Asked, found: Found, most: int) -> tuple[QuestionGroup, ...]:
    often = sorted(found, key=lambda likeness: (found[likeness].asked, found[likeness].last), reverse=True)[:LOOKED_AT]
    spoken = texts_of(asked, {likeness: found[likeness].last for likeness in often})
    terms = {likeness: terms_of(text) for likeness, text in spoken.items()}
    clusters = joined(often, terms)
    clusters.sort(key=lambda cluster: -sum(found[likeness].asked for likeness in cluster))
    return tuple(group(cluster, found, spoken, asked) for cluster in clusters[:most])


def texts_of(asked: Asked, last: Mapping[int, datetime]) -> dict[int, str]:
    """For each group the question that was asked last."""
    latest = asked.filter(likeness__in=last, created_at__in=set(last.values()))
    columns = ("likeness", "created_at", "turn__question__content")
    return {
        likeness: " ".join(text.split())[:LONGEST_SHOWN]
        for likeness, moment, text in latest.values_list(*columns)
        if last[likeness] == moment
    }


def joined(often: Sequence[int], terms: Mapping[int, frozenset[str]]) -> list[list[int]]:
    """Groups of nearly the same words become one."""
    clusters: list[list[int]] = []
    for likeness in often:
        near = next((one for one in clusters if likeness_between(terms, one[0], likeness) >= ALIKE), None)
        if near is None:
            clusters.append([likeness])
        else:
            near.append(likeness)
    return clusters


def likeness_between(terms: Mapping[int, frozenset[str]], one: int, other: int) -> float:
    """The share of all their words that both have."""
    first, second = terms.get(one, frozenset()), terms.get(other, frozenset())
    return len(first & second) / len(first | second) if first and second else 0.0


def group(cluster: Sequence[int], found: Found, spoken: Mapping[int, str], asked: Asked) -> QuestionGroup:
    parts = [found[likeness] for likeness in cluster]
    latest = asked.filter(likeness__in=cluster).order_by("-created_at")
    return QuestionGroup(
        question=spoken.get(cluster[0], ""),
        asked=sum(part.asked for part in parts),
        unsourced=sum(part.unsourced for part in parts),
        disliked=sum(part.disliked for part in parts),
        retried=sum(part.retried for part in parts),
        last_asked_at=max(part.last for part in parts),
        turn_ids=tuple(latest.values_list("turn_id", flat=True)[:MOST_TURNS]),
    )
