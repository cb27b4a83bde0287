"""The first page of the admin: true numbers, links to the rows behind them, and only what one may see."""

import re
from datetime import timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics import charts
from apps.analytics.charts import Point, Series
from apps.analytics.models import Event
from apps.analytics.periods import Period
from apps.chat.models import Feedback, Turn
from apps.knowledge.ingest import write_by_hand
from apps.knowledge.models import Document
from tests.analytics.stories import turn, visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db]
# Files are streamed by threads of their own, which see only what was committed.
STREAMS = pytest.mark.django_db(transaction=True)
DAYS = 7


@pytest.fixture
def traffic(db: None) -> Period:
    call_command("generate_demo_traffic", days=DAYS, scale=0.3, stdout=StringIO())
    return Period.of_last(DAYS)


def shown(client: Client, query: str = f"days={DAYS}") -> dict[str, Any]:
    response: Any = client.get(f"/admin/?{query}")
    assert response.status_code == 200
    return dict(response.context_data)


def sql(statement: str, *values: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def bounds(period: Period) -> tuple[Any, Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return adapt(period.begin), adapt(period.end)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def rows(context: dict[str, Any], title: str) -> dict[tuple[str, ...], int]:
    tables = {table.title: table for table in (*context["pages"], *context["tables"], context["funnel"])}
    return {tuple(cell.text for cell in row[:-1]): number(row[-1].text) for row in tables[title].rows}


def test_the_key_figures_are_what_the_rows_say(owner: Client, traffic: Period) -> None:
    keys = {key.name: key for key in shown(owner)["keys"]}
    statuses = dict(
        sql(
            "SELECT status, COUNT(*) FROM chat_turn WHERE created_at >= %s AND created_at < %s GROUP BY status",
            *bounds(traffic),
        )
    )
    [(visitors,)] = sql(
        "SELECT COUNT(DISTINCT visitor_id) FROM analytics_event "
        "WHERE visitor_id IS NOT NULL AND created_at >= %s AND created_at < %s",
        *bounds(traffic),
    )
    [(people,)] = sql(
        "SELECT COUNT(DISTINCT user_id) FROM analytics_event "
        "WHERE user_id IS NOT NULL AND visitor_id IS NULL AND created_at >= %s AND created_at < %s",
        *bounds(traffic),
    )
    thumbs = dict(
        sql(
            "SELECT rating, COUNT(*) FROM chat_feedback WHERE created_at >= %s AND created_at < %s GROUP BY rating",
            *bounds(traffic),
        )
    )
    asked = sum(statuses.values())
    assert number(keys["Questions"].value) == asked
    assert keys["Answered"].value == f"{100 * statuses['completed'] / asked:.0f} %"
    assert keys["Answered"].note == f"{statuses.get('failed', 0)} failed, {statuses.get('cancelled', 0)} cancelled"
    assert number(keys["Visitors"].value) == visitors
    assert keys["Visitors"].note == f"{people} signed in"
    assert keys["Thumbs up"].note == f"{thumbs.get(1, 0)} up, {thumbs.get(-1, 0)} down"


def test_the_times_are_what_the_rows_say(owner: Client, traffic: Period) -> None:
    """Within the width of a band, which is a fortieth."""
    asked = Turn.objects.filter(created_at__gte=traffic.begin, created_at__lt=traffic.end, first_token_at__isnull=False)
    waited = sorted((row.first_token_at - row.created_at).total_seconds() for row in asked if row.first_token_at)
    key = next(key for key in shown(owner)["keys"] if key.name == "First word")
    value, unit = key.value.split()
    told = float(value) / (1000 if unit == "ms" else 1)
    assert told == pytest.approx(waited[len(waited) // 2], rel=0.06)


def test_the_charts_tables_are_what_the_rows_say(owner: Client, traffic: Period) -> None:
    drawn = {chart.title: chart for chart in shown(owner)["charts"]}
    for row, day in zip(drawn["Questions"].table.rows, traffic.days(), strict=True):
        found = dict(
            sql(
                "SELECT status, COUNT(*) FROM chat_turn WHERE created_at >= %s AND created_at < %s GROUP BY status",
                *bounds(Period(day, day)),
            )
        )
        told = [number(cell.text) for cell in row[1:]]
        assert told == [found.get(status, 0) for status in ("completed", "cancelled", "failed")]
    ups = [number(row[1].text) for row in drawn["Feedback"].table.rows]
    assert sum(ups) == Feedback.objects.filter(rating=1, created_at__gte=traffic.begin).count()


def test_models_errors_limits_and_events_are_what_the_rows_say(owner: Client, traffic: Period) -> None:
    context = shown(owner)
    models = dict(
        sql(
            "SELECT model, COUNT(*) FROM chat_turn WHERE created_at >= %s AND created_at < %s GROUP BY model",
            *bounds(traffic),
        )
    )
    assert {names[0]: count for names, count in rows(context, "Models").items()} == models
    [(tokens,)] = sql(
        "SELECT COALESCE(SUM(input_tokens), 0) FROM chat_turn WHERE created_at >= %s AND created_at < %s",
        *bounds(traffic),
    )
    assert sum(number(names[1]) for names in rows(context, "Models")) == tokens
    failed = dict(
        sql(
            "SELECT error, COUNT(*) FROM chat_turn "
            "WHERE error <> '' AND created_at >= %s AND created_at < %s GROUP BY error",
            *bounds(traffic),
        )
    )
    told = {names[0]: count for names, count in rows(context, "Errors").items() if names[1] == "answer"}
    assert told == failed
    [(met,)] = sql(
        "SELECT COUNT(*) FROM analytics_event "
        "WHERE event_type = 'rate_limit_triggered' AND created_at >= %s AND created_at < %s",
        *bounds(traffic),
    )
    assert sum(rows(context, "Limits met").values()) == met
    kinds = dict(
        sql(
            "SELECT event_type, COUNT(*) FROM analytics_event WHERE created_at >= %s AND created_at < %s "
            "GROUP BY event_type",
            *bounds(traffic),
        )
    )
    for (name, _), count in rows(context, "Events").items():
        assert kinds[name] == count


def test_every_number_leads_to_as_many_rows(owner: Client, traffic: Period) -> None:
    context = shown(owner)
    followed = 0
    for table in context["tables"]:
        for row in table.rows:
            address, count = row[-1].url, number(row[-1].text)
            if "errors_told" not in address:
                assert owner.get(address).context["cl"].result_count == count, address
                followed += 1
    for chart in context["charts"]:
        for cells in chart.table.rows if chart.title in {"Questions", "Feedback"} else ():
            for cell in cells[1:]:
                assert owner.get(cell.url).context["cl"].result_count == number(cell.text), cell.url
                followed += 1
    assert followed > 20


@STREAMS
def test_every_link_of_the_page_opens(owner: Client, traffic: Period) -> None:
    page = owner.get(f"/admin/?days={DAYS}").content.decode()
    addresses = {unescape(found) for found in re.findall(r'href="(/admin/[^"]*|\?[^"]*)"', page)}
    exports = {address for address in addresses if "/export?" in address}
    assert len(exports) >= 10
    for address in addresses - {"/admin/logout/"}:
        assert owner.get(address if address.startswith("/") else f"/admin/{address}").status_code == 200, address


def test_questions_are_counted_in_groups_and_lead_to_a_better_answer(owner: Client) -> None:
    for _ in range(3):
        turn(visitor(), "Do you bake rye?", at=timezone.now(), sources=())
    wanting, top = shown(owner)["questions"]
    assert [(row["question"], row["asked"].text) for row in wanting["rows"]] == [("Do you bake rye?", "3")]
    assert owner.get(wanting["rows"][0]["improvement"]).status_code == 200
    assert owner.get(wanting["rows"][0]["asked"].url).context["cl"].result_count == 3
    assert top["rows"][0]["asked"].text == "3"


def test_a_number_says_how_it_moved(owner: Client) -> None:
    now = timezone.now()
    for days in (0, 0, 0, DAYS):
        turn(visitor(), at=now - timedelta(days=days))
    assert {key.name: (key.change, key.tone) for key in shown(owner)["keys"]}["Questions"] == ("+200 %", "better")


def test_a_slower_answer_is_worse(owner: Client) -> None:
    now = timezone.now()
    turn(visitor(), at=now, first_token_ms=2_000, total_ms=3_000)
    turn(visitor(), at=now - timedelta(days=DAYS), first_token_ms=100)
    assert {key.name: key.tone for key in shown(owner)["keys"]}["First word"] == "worse"


@pytest.mark.parametrize("days", [7, 30, 90, 365])
def test_every_period_opens_with_few_questions_to_the_database(owner: Client, traffic: Period, days: int) -> None:
    shown(owner, f"days={days}")
    with CaptureQueriesContext(connection) as queries:
        context = shown(owner, f"days={days}")
    assert len(context["charts"][0].table.rows) == (days if days <= 90 else 53)
    assert len(queries) < 60


@pytest.mark.parametrize(
    "query",
    ["from=2026-13-01", "from=x&to=y", "days=0", "days=99999", "from=2026-02-01&to=2026-01-01", "to=9999-01-01"],
)
def test_a_period_that_is_none_is_named_and_the_usual_one_shown(owner: Client, query: str) -> None:
    turn(visitor(), at=timezone.now())
    page = owner.get(f"/admin/?{query}").content.decode()
    assert "These days cannot be shown." in page
    assert "30 days" in page


def test_the_chosen_days_are_in_the_form(owner: Client) -> None:
    turn(visitor(), at=timezone.now())
    page = owner.get("/admin/?from=2026-02-01&to=2026-02-05").content.decode()
    assert 'name="from" value="2026-02-01"' in page
    assert 'name="to" value="2026-02-05"' in page


def test_a_new_site_is_told_what_to_do(owner: Client) -> None:
    page = owner.get("/admin/").content.decode()
    assert "Nobody has asked anything yet" in page
    assert "/admin/knowledge/document/add/" in page
    assert "<svg" not in page.partition('<div class="overview">')[2].partition("</section>")[0]


def test_who_may_see_numbers_alone_reads_no_question(owner: Client, traffic: Period) -> None:
    looking = User.objects.create_user("numbers@example.com", is_staff=True)
    looking.user_permissions.add(Permission.objects.get(codename="view_event"))
    client = Client()
    client.force_login(looking)
    context = shown(client)
    assert context["questions"] == []
    assert context["keys"][0].url == ""
    assert all(cell.url == "" for chart in context["charts"][:1] for row in chart.table.rows for cell in row)


def test_who_may_see_no_numbers_gets_the_list_of_apps(traffic: Period) -> None:
    writer = User.objects.create_user("writer@example.com", is_staff=True)
    writer.user_permissions.add(Permission.objects.get(codename="change_document"))
    client = Client()
    client.force_login(writer)
    page = client.get("/admin/").content.decode()
    assert "/admin/knowledge/document/" in page
    assert "Thumbs up" not in page


def test_support_sees_numbers_and_questions_but_no_button_to_change_anything(support: Client, traffic: Period) -> None:
    context = shown(support)
    assert context["questions"][0]["rows"]
    assert not any(row["improvement"] for panel in context["questions"] for row in panel["rows"])


@STREAMS
def test_an_export_of_questions_is_recorded(owner: Client, traffic: Period) -> None:
    wanting = shown(owner)["questions"][0]
    response = owner.get(wanting["csv"])
    assert response.status_code == 200
    page = owner.get("/admin/chat/transcriptview/?what__exact=export").content.decode()
    assert "unanswered" in page


def test_what_was_asked_and_titles_are_text(owner: Client) -> None:
    evil = "<script>alert(1)</script>"
    write_by_hand(Document(title=evil, body="Bread.", url="https://example.com/bread"))
    cited = {"id": "1", "title": evil, "url": "https://example.com/bread", "score": 0.9}
    turn(visitor(), evil, at=timezone.now(), sources=(cited,), error=evil, model=evil)
    Event.objects.create(event_type=evil, source="client")
    page = owner.get("/admin/").content.decode()
    assert evil not in page
    assert page.count("&lt;script&gt;") >= 4


def test_a_drawing_has_no_script_no_style_and_no_markup_of_others() -> None:
    says = "<b onclick=alert(1)>&"
    one = Series("A", "good", (Point(3, says, "/admin/?a=1&b=2"), Point(None, ""), Point(0, "none")))
    for draw in (charts.bars, charts.lines):
        for drawing in draw([says, "b", "c"], [one], " s", ("full", "wide", "narrow")).values():
            assert not re.search(r"<script|<style|style=|<b|xml:base", drawing)
            assert "&lt;b onclick=alert(1)&gt;&amp;" in drawing


@pytest.mark.parametrize("highest", [0, 0.3, 1, 3, 7, 12, 99, 100, 101, 12_345, 9_999_999])
def test_the_axis_ends_at_or_just_above_the_highest_value(highest: float) -> None:
    ticks = charts.ticks_to(highest)
    assert ticks[0] == 0
    assert max(highest, 1) <= ticks[-1] <= max(highest, 1) * 2 + 1
    assert len(ticks) <= charts.TICKS + 2


@pytest.mark.parametrize("value", [None, 0])
def test_a_chart_of_nothing_is_drawn(value: int | None) -> None:
    nothing = Series("A", "good", (Point(value, ""), Point(value, "")))
    for draw in (charts.lines, charts.bars):
        assert "<svg" in draw(["a", "b"], [nothing], "", ("wide",))["wide"]
