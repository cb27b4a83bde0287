"""Demo traffic: the same for the same seed, told apart from what is real, and gone without a trace."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.accounts.models import User, Visitor
from apps.analytics import reports
from apps.analytics.demo import store
from apps.analytics.demo.traffic import Rows, Traffic, read_questions
from apps.analytics.models import Event, Figure
from apps.analytics.periods import Period
from apps.chat.models import Conversation, Feedback, Message, Turn
from apps.knowledge.models import Document
from chatkit.config import Config
from tests.analytics.stories import told, turn, visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db]
FRIDAY = datetime(2026, 3, 13, 18, 0, tzinfo=UTC)
WEEK = Period(datetime(2026, 3, 7).date(), FRIDAY.date())  # noqa: DTZ001 - a day
KEPT = (User, Visitor, Conversation, Message, Turn, Feedback, Event)


@pytest.fixture
def page() -> None:
    Document.objects.create(source="widget", title="Widget", body="# Widget\n\nEmbed the widget with a script tag.")


def a_week(seed: int = 1) -> Rows:
    return Traffic(seed=seed, scale=0.3, until=FRIDAY).generate(7)


def told_by(rows: Rows) -> list[Any]:
    events = [(row.id, row.event_type, row.created_at, row.user_id, row.visitor_id) for row in rows.events]
    turns = [(row.id, row.status, row.ended_at, row.reply.content, row.question.content) for row in rows.turns]
    return [*events, *turns]


def test_the_same_seed_tells_the_same_story() -> None:
    assert told_by(a_week()) == told_by(a_week())
    assert told_by(a_week()) != told_by(a_week(seed=2))


def test_nothing_is_to_come() -> None:
    assert all(row.created_at <= FRIDAY for row in (*a_week().visitors, *a_week().conversations))


def test_the_story_has_everything_that_reports_show() -> None:
    rows = Traffic(seed=1, scale=1, until=FRIDAY).generate(7)
    store.write(rows)
    found = reports.summary(WEEK)
    assert all(
        (found.turns.answered, found.turns.failed, found.turns.cancelled, found.feedback.up, found.feedback.down)
    )
    assert all((found.limits, found.errors, found.usage, found.unanswered_questions, found.top_questions))
    steps = [step.people for step in found.funnel]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] > 0
    assert found.turns.asked == len(rows.turns)


def test_it_is_taken_out_and_nothing_else() -> None:
    told("widget_loaded", visitor())
    turn(visitor())
    before = [list(model.objects.values_list("pk", flat=True).order_by("pk")) for model in KEPT]
    store.write(a_week())
    assert Turn.objects.count() > 1
    store.clear()
    assert [list(model.objects.values_list("pk", flat=True).order_by("pk")) for model in KEPT] == before
    assert "anthropic" not in str(list(Figure.objects.values_list("numbers", flat=True)))


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("generate_demo_traffic", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_may_run_again(page: None) -> None:
    run("--scale", "0.2", "--days", "2")
    once = Turn.objects.count()
    assert "Took out" in run("--scale", "0.2", "--days", "2")
    assert Turn.objects.count() == once
    assert "Took out" in run("--clear")
    assert not Turn.objects.exists()


def test_production_asks_for_a_second_word(page: None, settings: Settings) -> None:
    settings.CHATKIT = Config(environment="production", secret_key="x" * 50)
    with pytest.raises(CommandError, match="--yes"):
        run("--days", "1")
    assert "visitors" in run("--days", "1", "--scale", "0.1", "--yes")


@pytest.mark.parametrize("arguments", [("--days", "0"), ("--days", "9999"), ("--scale", "0"), ("--scale", "nan")])
def test_a_wrong_size_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match="must be a"):
        run(*arguments)


def test_each_question_has_a_weight_and_a_wording() -> None:
    weights, wordings = read_questions()
    assert len(weights) == len(wordings)
    assert all(wordings)
    assert min(weights) > 0
