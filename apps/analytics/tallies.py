"""What the rows of one day come to: plain numbers under a name and a key, which add up from day to day."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Q, QuerySet

from apps.analytics.histograms import band_of
from apps.analytics.models import LONGEST_KEY, Event
from apps.analytics.periods import begin_of, day_of, end_of
from apps.chat.models import Feedback, Turn

Tally = dict[str, Counter[str]]

# What a client may invent must not fill the table of figures: beyond these a day's kinds of events share one key.
MOST_TYPES = 100
OTHER = "client:…"
# SQLite allows so many parameters at the least.
CHUNK = 400

STEPS = ("loaded", "asked", "prompted", "signed_up", "verified")
STEP_OF = {
    ("client", "widget_loaded"): 1,
    ("server", "chat_message"): 2,
    ("client", "soft_prompt_shown"): 3,
    ("client", "signup_modal_opened"): 3,
    ("server", "signup"): 4,
    ("server", "email_verified"): 5,
}


@dataclass(frozen=True, slots=True)
class Span:
    """One day, from its first moment to the first that is not in it any more."""

    begin: datetime
    end: datetime

    @classmethod
    def of(cls, day: date) -> "Span":
        return cls(begin_of(day), end_of(day))

    def covers(self, column: str = "created_at") -> Q:
        return Q(**{f"{column}__gte": self.begin, f"{column}__lt": self.end})


def tally(day: date) -> Tally:
    """Every number of the day, asked of the rows themselves."""
    span = Span.of(day)
    found: Tally = defaultdict(Counter)
    for count in (events, visitors, people, funnel, limits, turns, citations, thumbs, refusals):
        for name, key, value in count(span):
            found[name][key[:LONGEST_KEY]] += value
    return found


Numbers = Iterator[tuple[str, str, int]]


def events(span: Span) -> Numbers:
    counted = Event.objects.filter(span.covers()).values_list("source", "event_type").annotate(rows=Count("id"))
    ranked = sorted(counted, key=lambda row: (row[0] == Event.Source.CLIENT, -row[2], row[1]))
    for place, (source, event_type, rows) in enumerate(ranked):
        is_told_rarely = source == Event.Source.CLIENT and place >= MOST_TYPES
        yield "events", OTHER if is_told_rarely else f"{source}:{event_type}", rows


def visitors(span: Span) -> Numbers:
    return active("visitors", Event.objects.filter(visitor__isnull=False), "visitor_id", span)


def people(span: Span) -> Numbers:
    """Signed in when it happened: what they did before as visitors counts there."""
    return active("people", Event.objects.filter(user__isnull=False, visitor=None), "user_id", span)


def active(name: str, known: "QuerySet[Event]", whom: str, span: Span) -> Numbers:
    """Each once, under the day on which they were seen last before: so days add up to people, and not to visits."""
    seen = set(known.filter(span.covers()).values_list(whom, flat=True).distinct())
    last: dict[UUID, date] = {}
    for chunk in chunks(seen):
        before = known.filter(**{f"{whom}__in": chunk}, created_at__lt=span.begin).order_by()
        last.update((key, day_of(moment)) for key, moment in before.values_list(whom).annotate(Max("created_at")))
    for key in seen:
        yield name, str(last.get(key, "")), 1


def funnel(span: Span) -> Numbers:
    """How many people got to each step for the first time; who is at a later one has passed the earlier ones."""
    reached = farthest(step_events().filter(span.covers()))
    before: dict[UUID, int] = {}
    for chunk in chunks(reached):
        earlier = step_events().filter(Q(user_id__in=chunk) | Q(visitor_id__in=chunk), created_at__lt=span.begin)
        before.update(farthest(earlier))
    for person, step in reached.items():
        for number in range(before.get(person, 0), step):
            yield "funnel", STEPS[number], 1


def step_events() -> "QuerySet[Event]":
    kinds = Q()
    for source, event_type in STEP_OF:
        kinds |= Q(source=source, event_type=event_type)
    found: QuerySet[Event] = Event.objects.filter(kinds).order_by()
    return found


def farthest(found: "QuerySet[Event]") -> dict[UUID, int]:
    """By person: the account, where the visitor has become one."""
    steps: dict[UUID, int] = {}
    columns = ("user_id", "visitor__claimed_by_id", "visitor_id", "source", "event_type")
    for user, claimed_by, visitor, source, event_type in found.values_list(*columns).distinct():
        if (person := user or claimed_by or visitor) is not None:
            steps[person] = max(steps.get(person, 0), STEP_OF[source, event_type])
    return steps


def limits(span: Span) -> Numbers:
    met = Event.objects.noticed("rate_limit_triggered").filter(span.covers())
    for data in met.values_list("event_data", flat=True):
        yield "limits", joined(data.get("action"), data.get("tier")), 1


def refusals(span: Span) -> Numbers:
    told = Event.objects.noticed("errors_told").filter(span.covers())
    for data in told.values_list("event_data", flat=True):
        yield "errors", joined(data.get("transport"), data.get("code")), int(data.get("count", 0))


USED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "is_fallback")


def turns(span: Span) -> Numbers:
    columns = ("status", "error", "created_at", "first_token_at", "ended_at", "agent", "model", *USED)
    asked = Turn.objects.filter(span.covers()).order_by()
    for status, error, created, first, ended, agent, model, *used in asked.values_list(*columns).iterator():
        yield "turns", status, 1
        if error:
            yield "errors", joined("turn", error), 1
        if first is not None:
            yield "first_token", band(created, first), 1
        if ended is not None and status == Turn.Status.COMPLETED:
            yield "total", band(created, ended), 1
        yield "usage.turns", joined(agent, model), 1
        for name, value in zip(USED, used, strict=True):
            if value:
                yield f"usage.{name}", joined(agent, model), int(value)


def band(begin: datetime, end: datetime) -> str:
    return str(band_of((end - begin).total_seconds() * 1000))


def citations(span: Span) -> Numbers:
    """Each page once an answer, however many of its passages were quoted."""
    answered = Turn.objects.filter(span.covers()).order_by().annotate(cited=F("reply__sources"))
    for sources in answered.values_list("cited", flat=True).iterator():
        for page in {page_of(source) for source in sources or ()}:
            yield "cited", page, 1


def page_of(source: dict[str, Any]) -> str:
    """The page's address without the place in it; its title where it has none."""
    address = str(source.get("url") or "").partition("#")[0]
    return address or str(source.get("title") or "").partition(" › ")[0]


def thumbs(span: Span) -> Numbers:
    given = Feedback.objects.filter(span.covers()).order_by().values_list("rating").annotate(Count("id"))
    for rating, count in given:
        yield "feedback", "up" if rating == Feedback.Rating.UP else "down", count


def joined(*parts: object) -> str:
    return "|".join("" if part is None else str(part).replace("|", "/") for part in parts)


def chunks(keys: Iterable[UUID]) -> Iterator[Sequence[UUID]]:
    ordered = sorted(keys)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]
