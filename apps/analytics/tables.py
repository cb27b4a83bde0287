"""Each report as rows under columns: what a file holds, and a screen reader reads."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.analytics import groups, questions, reports
from apps.analytics.figures import Figures, figures_of
from apps.analytics.groups import QuestionGroup
from apps.analytics.models import Event
from apps.analytics.periods import Period

Row = Sequence[Any]
BATCH = 2_000
# Beginning with one of these, a cell would be a formula to a spreadsheet.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: Callable[[Figures], Iterable[Row]]


def active(figures: Figures) -> Iterator[Row]:
    return ((row.day, row.visitors, row.people) for row in reports.active(figures).days)


def turns(figures: Figures) -> Iterator[Row]:
    return ((row.day, row.answered, row.failed, row.cancelled, row.running) for row in reports.turns(figures).days)


def speed(figures: Figures) -> Iterator[Row]:
    for row in reports.speed(figures).days:
        first, total = row.first_token, row.total
        yield row.day, rounded(first.p50), rounded(first.p95), rounded(total.p50), rounded(total.p95), total.count


def rounded(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds)


def feedback(figures: Figures) -> Iterator[Row]:
    return ((row.day, row.up, row.down) for row in reports.feedback(figures).days)


def funnel(figures: Figures) -> Iterator[Row]:
    return ((row.step, row.people) for row in reports.funnel(figures))


def citations(figures: Figures) -> Iterator[Row]:
    return ((row.title, row.address, row.answers) for row in reports.citations(figures))


def limits(figures: Figures) -> Iterator[Row]:
    return ((row.action, row.tier, row.windows) for row in reports.limits(figures))


def errors(figures: Figures) -> Iterator[Row]:
    return ((row.where, row.code, row.count) for row in reports.errors(figures))


def events(figures: Figures) -> Iterator[Row]:
    return ((row.source, row.event_type, row.count) for row in reports.events(figures))


def usage(figures: Figures) -> Iterator[Row]:
    for row in reports.usage(figures):
        tokens = (row.input_tokens, row.output_tokens, row.cache_read_tokens, row.cache_write_tokens)
        yield row.agent, row.model, row.turns, *tokens, row.fallbacks


def unanswered(figures: Figures) -> Iterator[Row]:
    return map(question, groups.unanswered_questions(figures.period))


def top_questions(figures: Figures) -> Iterator[Row]:
    return map(question, groups.top_questions(figures.period))


def question(row: QuestionGroup) -> Row:
    turn_ids = " ".join(map(str, row.turn_ids))
    return row.question, row.asked, row.unsourced, row.disliked, row.retried, row.last_asked_at, turn_ids


ASKED = ("question", "asked", "without a source", "thumbs down", "tried again", "last asked", "turns")
TABLES = {
    "active": Table("Visitors and people", ("day", "visitors", "people"), active),
    "turns": Table("Answers", ("day", "answered", "failed", "cancelled", "running"), turns),
    "speed": Table(
        "Speed in milliseconds",
        ("day", "first token, median", "first token, 95 %", "whole answer, median", "whole answer, 95 %", "answers"),
        speed,
    ),
    "feedback": Table("Feedback", ("day", "thumbs up", "thumbs down"), feedback),
    "funnel": Table("Sign-ups", ("step", "people"), funnel),
    "unanswered": Table("Unanswered questions", ASKED, unanswered),
    "questions": Table("Top questions", ASKED, top_questions),
    "citations": Table("Pages cited", ("page", "address", "answers"), citations),
    "limits": Table("Limits met", ("action", "tier", "windows"), limits),
    "usage": Table(
        "Usage by model",
        ("provider", "model", "turns", "input tokens", "output tokens", "cache read", "cache written", "fallbacks"),
        usage,
    ),
    "errors": Table("Errors", ("where", "code", "count"), errors),
    "events": Table("Events", ("source", "type", "count"), events),
}
# What staff may read who may read conversations.
WITH_TEXTS = frozenset({"unanswered", "questions"})

EVENT_ROWS = "event_rows"
EVENT_FIELDS = (
    "id",
    "created_at",
    "event_type",
    "source",
    "visitor_id",
    "user_id",
    "session_id",
    "request_id",
    "network",
    "event_data",
)
EVENT_COLUMNS = ("at", "type", "source", "visitor", "user", "session", "request", "network", "data")


def lines(name: str, period: Period) -> Iterator[bytes]:
    """A report as CSV, some rows at a time: no file is ever whole in memory."""
    if name == EVENT_ROWS:
        yield written([EVENT_COLUMNS])
        yield from map(written, event_rows(period))
        return
    table = TABLES[name]
    yield written([table.columns])
    figures = figures_of(period)
    questions.catch_up(most=reports.NOTED_AT_ONCE)
    yield written(table.rows(figures))


def event_rows(period: Period) -> Iterator[list[Row]]:
    """From key to key, so that a client who reads slowly holds no query open."""
    moment, seen = period.begin, set[Any]()
    while True:
        later = Event.objects.filter(created_at__gte=moment, created_at__lt=period.end).order_by("created_at")
        found = list(later.values_list(*EVENT_FIELDS)[: BATCH + len(seen)])
        rows = [row[1:] for row in found if row[0] not in seen]
        if not rows:
            return
        yield rows
        moment = found[-1][1]
        # Of several events at one moment some are still to come, and none may come twice.
        seen = {row[0] for row in found if row[1] == moment}


def written(rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def cell(value: object) -> object:
    """As a spreadsheet may show it, and never run it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, int | float) or value is None:
        return value
    text = orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(FORMULAS) else text
