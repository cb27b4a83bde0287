"""What owners want to know, out of the figures of a period. Each report is a frozen value to show or to hand on."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from apps.analytics import questions
from apps.analytics.figures import Figures, figures_of
from apps.analytics.groups import QuestionGroup, top_questions, unanswered_questions
from apps.analytics.histograms import percentile
from apps.analytics.periods import Period, zone
from apps.analytics.tallies import STEPS, USED
from apps.knowledge.models import Document

MOST_ROWS = 50
# Turns of the last moments that a reader waits for; a server that just learned of more notes them beside.
NOTED_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class ActiveDay:
    day: date
    visitors: int
    people: int


@dataclass(frozen=True, slots=True)
class Active:
    """Who was there. Over the period each counts once, however often they came."""

    days: tuple[ActiveDay, ...]
    visitors: int
    people: int


def active(figures: Figures) -> Active:
    days = tuple(
        ActiveDay(day, sum(figures.of("visitors", day).values()), sum(figures.of("people", day).values()))
        for day in figures.period.days()
    )
    return Active(days, distinct(figures, "visitors"), distinct(figures, "people"))


def distinct(figures: Figures, name: str) -> int:
    """Whoever was seen before within the period has been counted there already."""
    first = str(figures.period.first)
    return sum(count for seen_before, count in figures.by_key(name).items() if seen_before < first)


@dataclass(frozen=True, slots=True)
class TurnsDay:
    day: date
    answered: int
    failed: int
    cancelled: int
    running: int


@dataclass(frozen=True, slots=True)
class Turns:
    days: tuple[TurnsDay, ...]
    answered: int
    failed: int
    cancelled: int
    running: int

    @property
    def asked(self) -> int:
        return self.answered + self.failed + self.cancelled + self.running


STATUSES = ("completed", "failed", "cancelled", "running")


def turns(figures: Figures) -> Turns:
    days = tuple(
        TurnsDay(day, *(figures.of("turns", day).get(status, 0) for status in STATUSES))
        for day in figures.period.days()
    )
    total = figures.by_key("turns")
    return Turns(days, *(total[status] for status in STATUSES))


@dataclass(frozen=True, slots=True)
class Times:
    """In milliseconds, within 2.5 %; None where nothing was measured."""

    p50: float | None
    p95: float | None
    count: int


@dataclass(frozen=True, slots=True)
class SpeedDay:
    day: date
    first_token: Times
    total: Times


@dataclass(frozen=True, slots=True)
class Speed:
    days: tuple[SpeedDay, ...]
    first_token: Times
    total: Times


def speed(figures: Figures) -> Speed:
    days = tuple(
        SpeedDay(day, times(figures.of("first_token", day)), times(figures.of("total", day)))
        for day in figures.period.days()
    )
    return Speed(days, times(figures.by_key("first_token")), times(figures.by_key("total")))


def times(bands: Mapping[str, int]) -> Times:
    counts = {int(band): count for band, count in bands.items()}
    return Times(percentile(counts, 0.5), percentile(counts, 0.95), sum(counts.values()))


@dataclass(frozen=True, slots=True)
class FeedbackDay:
    day: date
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Thumbs:
    days: tuple[FeedbackDay, ...]
    up: int
    down: int


def feedback(figures: Figures) -> Thumbs:
    total = figures.by_key("feedback")
    by_day = ((day, figures.of("feedback", day)) for day in figures.period.days())
    days = tuple(FeedbackDay(day, given.get("up", 0), given.get("down", 0)) for day, given in by_day)
    return Thumbs(days, total["up"], total["down"])


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many got here for the first time in the period."""

    step: str
    people: int


def funnel(figures: Figures) -> tuple[FunnelStep, ...]:
    reached = figures.by_key("funnel")
    return tuple(FunnelStep(step, reached[step]) for step in STEPS)


@dataclass(frozen=True, slots=True)
class Citation:
    """A page by its title; without the document, where it is not there any more."""

    title: str
    document_id: int | None
    address: str
    answers: int


def citations(figures: Figures) -> tuple[Citation, ...]:
    """The pages that most answers rest on."""
    top = ranked(figures.by_key("cited"))
    known = documents_at(page for page, _ in top)
    return tuple(Citation(*known.get(page, (page, None)), page, answers) for page, answers in top)


def documents_at(pages: Iterable[str]) -> dict[str, tuple[str, int | None]]:
    """A page is known by its address, or by its title where it has none."""
    asked = list(pages)
    found = Document.objects.filter(Q(url__in=asked) | Q(url="", title__in=asked)).values_list("url", "title", "id")
    return {url or title: (title, key) for url, title, key in found}


@dataclass(frozen=True, slots=True)
class LimitHits:
    """Windows in which somebody of this tier met the limit; no tier where nobody knows who called."""

    action: str
    tier: str
    windows: int


def limits(figures: Figures) -> tuple[LimitHits, ...]:
    return tuple(LimitHits(*halves(key), count) for key, count in ranked(figures.by_key("limits")))


@dataclass(frozen=True, slots=True)
class ModelUsage:
    agent: str
    model: str
    turns: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    fallbacks: int


def usage(figures: Figures) -> tuple[ModelUsage, ...]:
    used = [figures.by_key(f"usage.{name}") for name in USED]
    return tuple(
        ModelUsage(*halves(key), count, *(numbers[key] for numbers in used))
        for key, count in ranked(figures.by_key("usage.turns"))
    )


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """`where` is `turn` for answers that failed, else how the refused call came: `http` or `websocket`."""

    where: str
    code: str
    count: int


def errors(figures: Figures) -> tuple[ErrorCount, ...]:
    return tuple(ErrorCount(*halves(key), count) for key, count in ranked(figures.by_key("errors")))


@dataclass(frozen=True, slots=True)
class EventCount:
    source: str
    event_type: str
    count: int


def events(figures: Figures) -> tuple[EventCount, ...]:
    return tuple(EventCount(*halves(key, ":"), count) for key, count in ranked(figures.by_key("events")))


def ranked(counts: "Counter[str]") -> list[tuple[str, int]]:
    """The most first; equals by name, so that a page looks the same each time."""
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:MOST_ROWS]


def halves(key: str, mark: str = "|") -> tuple[str, str]:
    first, _, second = key.partition(mark)
    return first, second


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything about a period. `waiting` days are still being added up and not in it."""

    first: date
    last: date
    time_zone: str
    waiting: int
    active: Active
    turns: Turns
    speed: Speed
    feedback: Thumbs
    funnel: tuple[FunnelStep, ...]
    limits: tuple[LimitHits, ...]
    usage: tuple[ModelUsage, ...]
    errors: tuple[ErrorCount, ...]
    events: tuple[EventCount, ...]
    citations: tuple[Citation, ...]
    unanswered_questions: tuple[QuestionGroup, ...]
    top_questions: tuple[QuestionGroup, ...]


def summary(period: Period) -> Summary:
    figures = figures_of(period)
    questions.catch_up(most=NOTED_AT_ONCE)
    return Summary(
        first=period.first,
        last=period.last,
        time_zone=str(zone()),
        waiting=figures.waiting,
        active=active(figures),
        turns=turns(figures),
        speed=speed(figures),
        feedback=feedback(figures),
        funnel=funnel(figures),
        limits=limits(figures),
        usage=usage(figures),
        errors=errors(figures),
        events=events(figures),
        citations=citations(figures),
        unanswered_questions=unanswered_questions(period),
        top_questions=top_questions(period),
    )
