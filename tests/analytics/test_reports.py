"""Each report on known rows, on both databases, by the owner's clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from apps.accounts import visitors
from apps.accounts.models import User
from apps.analytics import questions, reports
from apps.analytics.figures import figures_of
from apps.analytics.groups import top_questions, unanswered_questions
from apps.analytics.models import Day, Event, Figure
from apps.analytics.periods import Period, begin_of, end_of
from apps.analytics.reports import ErrorCount, FunnelStep, LimitHits, ModelUsage
from apps.analytics.rollup import catch_up, roll
from apps.knowledge.models import Document
from chatkit.config import Config
from tests.analytics.stories import NOON, noticed, source, thumb, told, turn, visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db]

DAY = date(2026, 3, 10)
ONE_DAY = timedelta(days=1)
WEEK = Period(DAY - 3 * ONE_DAY, DAY + 3 * ONE_DAY)


def at(days: int = 0, hour: int = 12) -> datetime:
    return NOON + timedelta(days=days, hours=hour - 12)


def in_zone(settings: Settings, name: str) -> None:
    settings.CHATKIT = Config(report_time_zone=name)


def test_each_counts_once_a_day_and_once_a_period(alice: User) -> None:
    often, seldom = visitor(), visitor()
    for days in (0, 0, 1, 3):
        told("widget_loaded", often, at=at(days))
    told("widget_loaded", seldom, at=at(1))
    told("widget_loaded", alice, at=at(1))
    told("widget_loaded", at=at(1))
    found = reports.active(figures_of(WEEK))
    assert [(row.visitors, row.people) for row in found.days] == [(0, 0)] * 3 + [(1, 0), (2, 1), (0, 0), (1, 0)]
    assert (found.visitors, found.people) == (2, 1)


def test_whoever_came_before_the_period_counts_in_it() -> None:
    old = visitor()
    told("widget_loaded", old, at=at(-3))
    told("widget_loaded", old, at=at(2))
    told("widget_loaded", old, at=at(3))
    assert reports.active(figures_of(Period(DAY, DAY + 3 * ONE_DAY))).visitors == 1


def test_a_visitor_who_signed_in_was_a_visitor_before(alice: User) -> None:
    early = visitor()
    told("widget_loaded", early, at=at(0))
    before = reports.active(figures_of(WEEK))
    visitors.claim(early, alice)
    Figure.objects.all().delete()
    Day.objects.all().delete()
    assert reports.active(figures_of(WEEK)) == before
    assert (before.visitors, before.people) == (1, 0)


def test_turns_by_how_they_ended() -> None:
    who = visitor()
    for status in ("completed", "completed", "failed", "cancelled", "running"):
        turn(who, status=status)
    turn(who, at=at(1))
    found = reports.turns(figures_of(WEEK))
    assert (found.answered, found.failed, found.cancelled, found.running, found.asked) == (3, 1, 1, 1, 6)
    assert [row.answered for row in found.days] == [0, 0, 0, 2, 1, 0, 0]


def test_times_are_read_back_within_two_and_a_half_percent() -> None:
    who = visitor()
    for number in range(1, 21):
        turn(who, first_token_ms=10 * number, total_ms=1_000 * number, at=at(number % 3))
    found = reports.speed(figures_of(WEEK))
    assert found.first_token.p50 == pytest.approx(100, rel=0.025)
    assert found.first_token.p95 == pytest.approx(190, rel=0.025)
    assert (found.total.p50, found.total.p95) == pytest.approx((10_000, 19_000), rel=0.025)
    assert found.first_token.count == 20


def test_only_whole_answers_have_a_total_time() -> None:
    turn(visitor(), status="cancelled", first_token_ms=None)
    found = reports.speed(figures_of(WEEK))
    assert (found.first_token.p50, found.total.p50) == (None, None)


def test_thumbs() -> None:
    who = visitor()
    for rating in (1, 1, -1):
        thumb(turn(who), rating)
    found = reports.feedback(figures_of(WEEK))
    assert (found.up, found.down) == (2, 1)
    assert (found.days[3].up, found.days[3].down) == (2, 1)


def test_the_funnel_counts_people_once_at_each_step(alice: User) -> None:
    looks, asks, joins = visitor(), visitor(), visitor()
    for who in (looks, asks, joins):
        told("widget_loaded", who, at=at(0))
        told("widget_loaded", who, at=at(1))
    for who in (asks, joins):
        noticed("chat_message", who, at=at(0))
    told("soft_prompt_shown", joins, at=at(1))
    told("signup_modal_opened", joins, at=at(1))
    visitors.claim(joins, alice)
    noticed("signup", alice, at=at(1))
    noticed("email_verified", alice, at=at(2))
    steps = reports.funnel(figures_of(WEEK))
    assert [step.people for step in steps] == [3, 2, 1, 1, 1]
    assert steps[0] == FunnelStep("loaded", 3)
    later = reports.funnel(figures_of(Period(DAY + ONE_DAY, DAY + 2 * ONE_DAY)))
    assert [step.people for step in later] == [0, 0, 1, 1, 1]


def test_a_later_step_tells_of_the_earlier_ones() -> None:
    noticed("chat_message", visitor())
    assert [step.people for step in reports.funnel(figures_of(WEEK))] == [1, 1, 0, 0, 0]


def test_a_client_cannot_forge_what_the_server_notices() -> None:
    told("signup", visitor())
    told("rate_limit_triggered", visitor(), action="chat", tier="premium")
    figures = figures_of(WEEK)
    assert [step.people for step in reports.funnel(figures)] == [0] * 5
    assert reports.limits(figures) == ()


def test_limits_by_action_and_tier() -> None:
    for action, tier in (("chat", "anonymous"), ("chat", "anonymous"), ("save_chat", "full"), ("visitor", "")):
        noticed("rate_limit_triggered", action=action, tier=tier, limit=1, window=60)
    assert reports.limits(figures_of(WEEK)) == (
        LimitHits("chat", "anonymous", 2),
        LimitHits("save_chat", "full", 1),
        LimitHits("visitor", "", 1),
    )


def test_usage_by_model() -> None:
    who = visitor()
    paid = {"agent": "anthropic", "model": "claude-sonnet", "input_tokens": 100, "output_tokens": 20}
    turn(who, **paid, cache_read_tokens=7, cache_write_tokens=3)
    turn(who, **paid, at=at(1))
    turn(who, is_fallback=True)
    assert reports.usage(figures_of(WEEK)) == (
        ModelUsage("anthropic", "claude-sonnet", 2, 200, 40, 7, 3, 0),
        ModelUsage("local", "local", 1, 0, 0, 0, 0, 1),
    )


def test_errors_by_code() -> None:
    who = visitor()
    for _ in range(2):
        turn(who, status="failed", error="runtime_unavailable")
    noticed("errors_told", transport="http", code="not_found", count=5)
    noticed("errors_told", transport="websocket", code="rate_limited", count=1)
    assert reports.errors(figures_of(WEEK)) == (
        ErrorCount("http", "not_found", 5),
        ErrorCount("turn", "runtime_unavailable", 2),
        ErrorCount("websocket", "rate_limited", 1),
    )


def test_pages_cited_count_once_an_answer() -> None:
    Document.objects.create(source="embedding", title="Embedding", url="https://example.com/embedding")
    who = visitor()
    turn(who, sources=(source("embedding", "one"), source("embedding", "two"), source("limits", "one")))
    turn(who, sources=(source("embedding", "one"),), at=at(1))
    first, second = reports.citations(figures_of(WEEK))
    assert (first.title, first.address, first.answers) == ("Embedding", "https://example.com/embedding", 2)
    assert (second.title, second.document_id, second.answers) == ("https://example.com/limits", None, 1)


def test_events_are_counted_by_source_and_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.analytics.tallies.MOST_TYPES", 2)
    for number in range(5):
        told(f"made_up_{number}")
    noticed("login")
    counted = {(row.source, row.event_type): row.count for row in reports.events(figures_of(WEEK))}
    assert counted == {
        ("server", "login"): 1,
        ("client", "made_up_0"): 1,
        ("client", "…"): 4,
    }


def test_unanswered_questions_that_are_alike_stand_together() -> None:
    who = visitor()
    first = turn(who, "Do you have invoices?", sources=())
    second = turn(who, "Have you got an INVOICE!?", sources=(), at=at(1))
    turn(who, "How do I embed it?")
    questions.catch_up()
    (group,) = unanswered_questions(WEEK)
    assert (group.question, group.asked, group.unsourced) == ("Have you got an INVOICE!?", 2, 2)
    assert group.turn_ids == (second.id, first.id)


def test_an_answer_that_only_names_pages_near_by_is_none() -> None:
    turn(visitor(), "Where is my invoice?", stop_reason="nothing_found")
    turn(visitor(), "How do I embed the widget?")
    questions.catch_up()
    assert [group.question for group in unanswered_questions(WEEK)] == ["Where is my invoice?"]


def test_a_thumb_down_and_a_second_try_make_a_question_unanswered() -> None:
    who = visitor()
    disliked, tried = turn(who, "Where are my invoices?"), turn(who, "Which browsers work?")
    thumb(disliked, -1)
    thumb(turn(who, "Is it fast?"), 1)
    again = turn(who, again=tried, at=at(1))
    questions.catch_up()
    found = {group.question: group for group in unanswered_questions(WEEK)}
    assert set(found) == {"Where are my invoices?", "Which browsers work?"}
    assert (found["Where are my invoices?"].disliked, found["Which browsers work?"].retried) == (1, 1)
    assert found["Which browsers work?"].turn_ids == (tried.id,)
    assert again.id not in found["Which browsers work?"].turn_ids


def test_a_second_try_that_comes_later_is_noticed() -> None:
    tried = turn(visitor(), "Which browsers work?")
    questions.catch_up()
    assert unanswered_questions(WEEK) == ()
    turn(visitor(), again=tried, at=at(0, 13))
    questions.catch_up()
    assert [group.retried for group in unanswered_questions(WEEK)] == [1]


def test_greetings_and_selections_need_no_source() -> None:
    who = visitor()
    turn(who, "Hello!", sources=())
    turn(who, "Explain this", sources=(), mode="chat")
    turn(who, "Where are my invoices?", sources=(), status="failed")
    questions.catch_up()
    assert unanswered_questions(WEEK) == ()


def test_top_questions_join_what_is_nearly_the_same() -> None:
    who = visitor()
    for hour, text in enumerate(("price", "embed the chat widget", "embed the chat widget in WordPress", "price?")):
        turn(who, text, at=at(hour=hour))
    turn(who, "Embed that chat widget!", at=at(hour=4))
    questions.catch_up()
    assert [(group.question, group.asked) for group in top_questions(WEEK)] == [
        ("Embed that chat widget!", 3),
        ("price?", 2),
    ]


def test_questions_of_another_period_are_not_in_it() -> None:
    turn(visitor(), at=at(30))
    questions.catch_up()
    assert top_questions(WEEK) == ()


def test_a_deleted_conversation_takes_its_questions_along() -> None:
    asked = turn(visitor(), sources=())
    questions.catch_up()
    asked.conversation.delete()
    assert unanswered_questions(WEEK) == ()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", date(2026, 3, 29), 24),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        # The clock was turned at midnight: this day began at one.
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)
def test_days_are_as_long_as_the_owners_clock_makes_them(
    settings: Settings, zone: str, day: date, hours: float
) -> None:
    in_zone(settings, zone)
    assert (end_of(day) - begin_of(day)) == timedelta(hours=hours)
    assert end_of(day) == begin_of(day + ONE_DAY)


def test_midnight_is_the_owners(settings: Settings) -> None:
    in_zone(settings, "Europe/Berlin")
    who = visitor()
    for moment in (
        datetime(2026, 3, 9, 22, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 9, 23, 0, tzinfo=UTC),
        datetime(2026, 3, 10, 22, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 10, 23, 0, tzinfo=UTC),
    ):
        turn(who, at=moment)
        told("widget_loaded", visitor(), at=moment)
    figures = figures_of(Period(DAY - ONE_DAY, DAY + ONE_DAY))
    assert [row.answered for row in reports.turns(figures).days] == [1, 2, 1]
    assert [row.visitors for row in reports.active(figures).days] == [1, 2, 1]


def test_the_night_the_clock_is_turned_belongs_to_one_day(settings: Settings) -> None:
    in_zone(settings, "Europe/Berlin")
    begin, end = begin_of(date(2026, 10, 25)), end_of(date(2026, 10, 25))
    for moment in (begin, begin + timedelta(hours=24, minutes=30), end):
        turn(visitor(), at=moment)
    days = reports.turns(figures_of(Period(date(2026, 10, 25), date(2026, 10, 26)))).days
    assert [row.answered for row in days] == [2, 1]


def test_a_day_that_is_added_up_twice_is_the_same() -> None:
    turn(visitor())
    told("widget_loaded", visitor())
    roll(DAY)
    once = list(Figure.objects.values_list())
    roll(DAY)
    assert list(Figure.objects.values_list()) == once
    assert once


def test_what_was_added_up_outlives_its_rows() -> None:
    for days in range(3):
        thumb(turn(visitor(), at=at(days)), 1)
        told("widget_loaded", visitor(), at=at(days))
    before = reports.summary(WEEK)
    for model in (Event, type(visitor())):
        model.objects.all().delete()
    after = reports.summary(WEEK)
    assert (after.active, after.turns, after.speed, after.feedback, after.citations) == (
        before.active,
        before.turns,
        before.speed,
        before.feedback,
        before.citations,
    )
    assert before.turns.answered == 3


def test_catching_up_adds_up_every_day_since_the_first_row() -> None:
    told("widget_loaded", at=at(0))
    days = catch_up()
    assert Day.objects.order_by("day").values_list("day", flat=True).first() == DAY
    assert (days, catch_up()) == (Day.objects.count(), 0)


def test_an_empty_site_has_an_empty_summary() -> None:
    found = reports.summary(WEEK)
    assert (found.turns.asked, found.active.visitors, found.unanswered_questions) == (0, 0, ())
    assert catch_up() == 0
