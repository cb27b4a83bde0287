"""The first page of the admin: how the assistant does, and what would make it better."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from apps.analytics import questions, reports
from apps.analytics.buckets import buckets_of
from apps.analytics.exports import READS_CONVERSATIONS
from apps.analytics.figures import Figures, figures_of
from apps.analytics.groups import QuestionGroup, top_questions, unanswered_questions
from apps.analytics.links import Links
from apps.analytics.panels import (
    WHO,
    Cell,
    Key,
    Table,
    feedback_chart,
    percent,
    seconds,
    shares,
    speed_chart,
    turns_chart,
    visitors_chart,
)
from apps.analytics.periods import Period, period_of, zone
from apps.chat.models import Turn
from apps.knowledge.models import Document
from chatkit.errors import InvalidRequest

CHOICES = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "Year"))
SHOWN = 10
MINUS = "\N{MINUS SIGN}"
STEPS = {
    "loaded": ("Opened the widget", ("widget_loaded",), "client"),
    "asked": ("Asked a question", ("chat_message",), "server"),
    "prompted": ("Saw the sign-up", ("soft_prompt_shown", "signup_modal_opened"), "client"),
    "signed_up": ("Signed up", ("signup",), "server"),
    "verified": ("Verified the e-mail", ("email_verified",), "server"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The period that somebody wants to look at, and what was wrong with how they said so."""

    period: Period
    problem: str = ""

    @property
    def query(self) -> str:
        return urlencode({"from": self.period.first.isoformat(), "to": self.period.last.isoformat()})

    def export(self, name: str) -> str:
        return f"{reverse('analytics:export')}?{urlencode({'report': name})}&{self.query}"


def asked_by(request: HttpRequest) -> Asked:
    said = request.GET
    try:
        return Asked(period_of(said.get("from"), said.get("to"), said.get("days")))
    except InvalidRequest as refusal:
        fields = (refusal.detail or {}).get("fields", {})
        sentences = [f"{name}: {sentence}" for name, found in fields.items() for sentence in found]
        return Asked(period_of(None, None, None), " ".join(sentences) or refusal.message)


def overview(request: HttpRequest) -> dict[str, Any]:
    """What the template shows. Without the permission to see numbers, the list of apps alone."""
    links, asked = Links.of(request), asked_by(request)
    if not links.may("analytics.view_event"):
        return {}
    shown = {
        "asked": asked,
        "choices": choices(asked.period),
        "is_custom": asked.period.length not in dict(CHOICES) or asked.period != Period.of_last(asked.period.length),
        "time_zone": str(zone()),
        "may_write": links.may("knowledge.add_document"),
    }
    if not Turn.objects.exists():
        return {**shown, "is_empty": True, "has_documents": Document.objects.exists()}
    return {**shown, **numbers(asked, links)}


def choices(period: Period) -> list[tuple[str, str, bool]]:
    return [(label, f"?days={days}", period == Period.of_last(days)) for days, label in CHOICES]


def numbers(asked: Asked, links: Links) -> dict[str, Any]:
    figures, before = figures_of(asked.period), figures_of(asked.period.before)
    buckets = buckets_of(asked.period)
    drawn = {"turns": turns_chart, "active": visitors_chart, "speed": speed_chart, "feedback": feedback_chart}
    return {
        "waiting": figures.waiting,
        "keys": keys(figures, before, links),
        "charts": [make(figures, buckets, links, asked.export(name)) for name, make in drawn.items()],
        "questions": asked_questions(asked, links) if links.may(READS_CONVERSATIONS) else [],
        "funnel": funnel(figures, asked, links),
        "pages": [make(figures, asked, links) for make in (documents, events)],
        "tables": [make(figures, asked, links) for make in (usage, limits, errors)],
    }


def keys(figures: Figures, before: Figures, links: Links) -> list[Key]:
    period = figures.period
    asked, was_asked = reports.turns(figures), reports.turns(before)
    there, were_there = reports.active(figures), reports.active(before)
    quick, was_quick = reports.speed(figures).first_token, reports.speed(before).first_token
    thumbs, were_thumbs = reports.feedback(figures), reports.feedback(before)
    ended, had_ended = asked.asked - asked.running, was_asked.asked - was_asked.running
    return [
        Key("Questions", f"{asked.asked:,}", links.turns(period), **moved(asked.asked, was_asked.asked)),
        Key(
            "Answered",
            percent(asked.answered, ended),
            links.turns(period, status__exact="completed"),
            f"{asked.failed:,} failed, {asked.cancelled:,} cancelled",
            **points_moved(asked.answered, ended, was_asked.answered, had_ended),
        ),
        Key(
            "Visitors",
            f"{there.visitors:,}",
            links.events(period, **WHO["visitors"]),
            f"{there.people:,} signed in",
            **moved(there.visitors, were_there.visitors),
        ),
        Key(
            "First word",
            seconds(quick.p50),
            links.turns(period),
            f"{seconds(quick.p95)} for the slowest 5 %",
            **moved(quick.p50 or 0, was_quick.p50 or 0, is_better=-1),
        ),
        Key(
            "Thumbs up",
            percent(thumbs.up, thumbs.up + thumbs.down),
            links.listed("chat.feedback", period),
            f"{thumbs.up:,} up, {thumbs.down:,} down",
            **points_moved(thumbs.up, thumbs.up + thumbs.down, were_thumbs.up, were_thumbs.up + were_thumbs.down),
        ),
    ]


def moved(now: float, before: float, *, is_better: int = 1) -> dict[str, str]:
    """How a number moved since the period before, and whether that is good."""
    if not before:
        return {}
    change = round(100 * (now - before) / before)
    return {"change": signed(change, " %"), "tone": tone(change * is_better)}


def points_moved(part: int, whole: int, part_before: int, whole_before: int) -> dict[str, str]:
    """Shares are compared by their difference."""
    if not whole or not whole_before:
        return {}
    change = round(100 * part / whole) - round(100 * part_before / whole_before)
    return {"change": signed(change, " points"), "tone": tone(change)}


def signed(change: int, unit: str) -> str:
    return f"{change:+d}{unit}".replace("-", MINUS) if change else "unchanged"


def tone(change: float) -> str:
    return "same" if not change else "better" if change > 0 else "worse"


def asked_questions(asked: Asked, links: Links) -> list[dict[str, Any]]:
    questions.catch_up(most=reports.NOTED_AT_ONCE)
    unanswered = unanswered_questions(asked.period, SHOWN)
    top = top_questions(asked.period, SHOWN)
    return [
        {
            "title": "Without a good answer",
            "note": "No source was found, or it was rated down, or asked again.",
            "empty": "Every question of this period found an answer.",
            "csv": asked.export("unanswered"),
            "rows": list(rows_of(unanswered, links)),
        },
        {
            "title": "Asked most",
            "note": "Questions of the same words count together.",
            "empty": "Nobody has asked anything in this period.",
            "csv": asked.export("questions"),
            "rows": list(rows_of(top, links)),
        },
    ]


def rows_of(groups: Iterable[QuestionGroup], links: Links) -> Iterable[dict[str, Any]]:
    kept = list(groups)
    for group, share in zip(kept, shares(group.asked for group in kept), strict=True):
        reasons = (("no source", group.unsourced), ("rated down", group.disliked), ("asked again", group.retried))
        is_wanting = any(count for _, count in reasons) and group.turn_ids
        yield {
            "question": group.question,
            "asked": Cell(f"{group.asked:,}", links.these_turns(group.turn_ids), share),
            "reasons": [f"{count:,} {reason}" for reason, count in reasons if count],
            "last_asked_at": group.last_asked_at,
            "improvement": links.improvement(group.turn_ids[0]) if is_wanting else "",
        }


Row = tuple[tuple[Cell, ...], int, str]


def counted(rows: Iterable[Row]) -> tuple[tuple[Cell, ...], ...]:
    """What is counted, the count with its bar, and the rows behind it."""
    kept = list(rows)
    bars = shares(count for _, count, _ in kept)
    return tuple((*names, Cell(f"{count:,}", url, bar)) for (names, count, url), bar in zip(kept, bars, strict=True))


def text(value: str, url: str = "") -> Cell:
    return Cell(value, url, is_number=False)


def funnel(figures: Figures, asked: Asked, links: Links) -> Table:
    def row(step: reports.FunnelStep) -> Row:
        name, kinds, source = STEPS[step.step]
        return (text(name),), step.people, links.events(asked.period, *kinds, source=source)

    rows = counted(map(row, reports.funnel(figures)))
    note = "How many got to each step for the first time."
    return Table("Sign-up", ("Step", "People"), rows, note=note, csv=asked.export("funnel"))


def documents(figures: Figures, asked: Asked, links: Links) -> Table:
    def row(page: reports.Citation) -> Row:
        address = links.document(page.document_id)
        return (text(page.title, address),), page.answers, address

    rows = counted(map(row, reports.citations(figures)[:SHOWN]))
    empty = "No answer has named a page yet."
    return Table("Pages that answer", ("Page", "Answers"), rows, empty, csv=asked.export("citations"))


def limits(figures: Figures, asked: Asked, links: Links) -> Table:
    def row(met: reports.LimitHits) -> Row:
        names = text(met.action), text(met.tier or "unknown")
        return names, met.windows, links.events(asked.period, "rate_limit_triggered", event_data__action=met.action)

    rows = counted(map(row, reports.limits(figures)[:SHOWN]))
    columns = ("Action", "Tier", "Times")
    return Table("Limits met", columns, rows, "Nobody has met a limit.", csv=asked.export("limits"))


def usage(figures: Figures, asked: Asked, links: Links) -> Table:
    def row(used: reports.ModelUsage) -> Row:
        names = text(used.model or used.agent), Cell(f"{used.input_tokens:,}"), Cell(f"{used.output_tokens:,}")
        return names, used.turns, links.turns(asked.period, model=used.model, agent=used.agent)

    rows = counted(map(row, reports.usage(figures)[:SHOWN]))
    columns = ("Model", "Tokens in", "Tokens out", "Answers")
    return Table("Models", columns, rows, "No model has answered yet.", csv=asked.export("usage"))


def errors(figures: Figures, asked: Asked, links: Links) -> Table:
    def row(error: reports.ErrorCount) -> Row:
        if error.where == "turn":
            return (text(error.code), text("answer")), error.count, links.turns(asked.period, error=error.code)
        told = links.events(asked.period, "errors_told", event_data__code=error.code)
        return (text(error.code), text(error.where)), error.count, told

    rows = counted(map(row, reports.errors(figures)[:SHOWN]))
    return Table("Errors", ("Code", "Where", "Times"), rows, "Nothing went wrong.", csv=asked.export("errors"))


def events(figures: Figures, asked: Asked, links: Links) -> Table:
    def row(event: reports.EventCount) -> Row:
        names = text(event.event_type), text(event.source)
        return names, event.count, links.events(asked.period, event.event_type, source=event.source)

    rows = counted(map(row, reports.events(figures)[:SHOWN]))
    return Table("Events", ("Type", "Told by", "Times"), rows, "Nothing was recorded.", csv=asked.export("events"))
