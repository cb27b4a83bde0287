"""What reports say is what plain SQL says of the rows, and stays so when the rows are gone."""

import statistics
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from apps.analytics import reports
from apps.analytics.demo import store
from apps.analytics.demo.traffic import Traffic
from apps.analytics.groups import unanswered_questions
from apps.analytics.models import Event
from apps.analytics.periods import Period
from apps.analytics.reports import Summary
from apps.chat.models import Conversation, Turn
from chatkit.config import Config

pytestmark = [pytest.mark.database, pytest.mark.django_db]

# Ten days around the night in which Berlin's clock is turned.
END = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
PERIOD = Period(date(2026, 3, 22), date(2026, 3, 31))
BEGIN = datetime(2026, 3, 21, 23, 0, tzinfo=UTC)
UNTIL = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)


@pytest.fixture
def found(settings: Settings) -> Summary:
    settings.CHATKIT = Config(report_time_zone="Europe/Berlin")
    store.write(Traffic(seed=3, scale=0.4, until=END).generate(10))
    return reports.summary(PERIOD)


def ask(sql: str, *more: Any, begin: datetime = BEGIN, end: datetime = UNTIL) -> list[tuple[Any, ...]]:
    """`{when}` stands for the period."""
    moments = [connection.ops.adapt_datetimefield_value(moment) for moment in (begin, end)]
    with connection.cursor() as cursor:
        cursor.execute(sql.format(when="created_at >= %s AND created_at < %s"), [*moments, *more])
        return list(cursor.fetchall())


def number(sql: str, *more: Any, **when: Any) -> int:
    return int(ask(sql, *more, **when)[0][0])


def test_people_and_visitors(found: Summary) -> None:
    visitors = "SELECT COUNT(DISTINCT visitor_id) FROM analytics_event WHERE {when}"
    people = "SELECT COUNT(DISTINCT user_id) FROM analytics_event WHERE {when} AND visitor_id IS NULL"
    assert (found.active.visitors, found.active.people) == (number(visitors), number(people))
    begin = BEGIN
    for row in found.active.days:
        end = begin + timedelta(hours=23 if row.day == date(2026, 3, 29) else 24)
        assert row.visitors == number(visitors, begin=begin, end=end)
        assert row.people == number(people, begin=begin, end=end)
        begin = end
    assert found.active.visitors > 100


def test_turns(found: Summary) -> None:
    counted = dict(ask("SELECT status, COUNT(*) FROM chat_turn WHERE {when} GROUP BY status"))
    assert counted == {
        "completed": found.turns.answered,
        "failed": found.turns.failed,
        "cancelled": found.turns.cancelled,
    }


def test_times(found: Summary) -> None:
    rows = ask("SELECT id FROM chat_turn WHERE {when} AND status = 'completed'")
    turns = Turn.objects.filter(id__in=[row[0] for row in rows])
    times = sorted((turn.ended_at - turn.created_at).total_seconds() * 1000 for turn in turns if turn.ended_at)
    assert found.speed.total.count == len(times)
    assert found.speed.total.p50 == pytest.approx(statistics.median_low(times), rel=0.025)


def test_feedback(found: Summary) -> None:
    counted = dict(ask("SELECT rating, COUNT(*) FROM chat_feedback WHERE {when} GROUP BY rating"))
    assert (found.feedback.up, found.feedback.down) == (counted.get(1, 0), counted.get(-1, 0))


def test_events(found: Summary) -> None:
    counted = ask("SELECT source, event_type, COUNT(*) FROM analytics_event WHERE {when} GROUP BY source, event_type")
    assert {(row.source, row.event_type, row.count) for row in found.events} == set(counted)


def test_usage(found: Summary) -> None:
    counted = ask(
        "SELECT agent, model, COUNT(*), SUM(COALESCE(input_tokens, 0)), SUM(COALESCE(output_tokens, 0)) "
        "FROM chat_turn WHERE {when} GROUP BY agent, model"
    )
    said = {(row.agent, row.model, row.turns, row.input_tokens, row.output_tokens) for row in found.usage}
    assert said == set(counted)


def test_the_funnel(found: Summary) -> None:
    reached = "SELECT COUNT(DISTINCT COALESCE(user_id, visitor_id)) FROM analytics_event WHERE {when} AND event_type IN"
    sql = [f"{reached} {types}" for types in ("('signup', 'email_verified')", "('email_verified')")]
    assert [step.people for step in found.funnel[3:]] == [number(each) for each in sql]
    everybody = "('widget_loaded', 'chat_message', 'soft_prompt_shown', 'signup_modal_opened', 'signup')"
    assert found.funnel[0].people == number(f"{reached} {everybody}")


def test_unanswered_questions(found: Summary) -> None:
    in_vain = number(
        "SELECT COUNT(*) FROM chat_turn AS turn WHERE {when} AND ("
        " EXISTS (SELECT 1 FROM analytics_askedquestion AS asked WHERE asked.turn_id = turn.id AND asked.is_unsourced)"
        " OR EXISTS (SELECT 1 FROM chat_feedback AS given WHERE given.message_id = turn.reply_id AND rating = -1)"
        " OR EXISTS (SELECT 1 FROM chat_turn AS later"
        "   WHERE later.question_id = turn.question_id AND later.created_at > turn.created_at))"
    )
    everything = unanswered_questions(PERIOD, most=1_000)
    assert sum(group.asked for group in everything) == in_vain
    assert everything[: len(found.unanswered_questions)] == found.unanswered_questions
    assert in_vain > 10


def test_the_same_without_the_rows(found: Summary) -> None:
    Event.objects.all().delete()
    Conversation.objects.all().delete()
    later = reports.summary(PERIOD)
    assert later.unanswered_questions == ()
    for name in ("active", "turns", "speed", "feedback", "funnel", "limits", "usage", "errors", "events", "citations"):
        assert getattr(later, name) == getattr(found, name), name
