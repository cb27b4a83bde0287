"""Reports as JSON and as files: for staff, by credential or by the admin's cookie; and no cell is a formula."""

import csv
import io
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient
from django.urls import reverse

from apps.accounts import sessions, visitors
from apps.accounts.models import User
from apps.analytics import tables
from apps.analytics.models import Event
from apps.analytics.periods import Period
from apps.analytics.tables import EVENT_ROWS, TABLES
from tests.analytics.stories import NOON, noticed, thumb, told, turn, visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

SUMMARY, EXPORT = "/api/v1/analytics/summary", "/api/v1/analytics/export"
DAYS = "from=2026-03-09&to=2026-03-11"
Get = Callable[..., Coroutine[Any, Any, HttpResponse]]


@pytest.fixture
def staff(transactional_db: None) -> User:
    return User.objects.create_user("staff@example.com", is_staff=True)


@pytest.fixture
def reader(staff: User) -> User:
    staff.user_permissions.add(Permission.objects.get(codename="view_message"))
    return staff


@pytest.fixture
def get() -> Get:
    async def call(address: str, who: User | str | None = None) -> HttpResponse:
        client, headers = AsyncClient(raise_request_exception=False), {}
        if isinstance(who, User):
            issued = await sync(sessions.open_session)(who, user_agent="")
            headers = {"Authorization": f"Bearer {issued.raw}"}
        elif who is not None:
            headers = {"Authorization": f"Bearer {who}"}
        answer: HttpResponse = await client.get(address, headers=headers)
        return answer

    return call


def sync(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    from asgiref.sync import sync_to_async

    return sync_to_async(function)


async def rows_of(answer: HttpResponse) -> list[list[str]]:
    assert isinstance(answer, StreamingHttpResponse)
    text = b"".join([part async for part in answer]).decode()
    return list(csv.reader(io.StringIO(text)))


def test_the_summary_has_every_report(staff: User) -> None:
    assert set(tables.TABLES) - {"unanswered", "questions"} < set(tables.reports.Summary.__dataclass_fields__)


async def test_the_summary_is_for_staff_only(get: Get, staff: User, alice: User, entered: visitors.Entered) -> None:
    assert (await get(SUMMARY)).status_code == 401
    assert (await get(SUMMARY, entered.issued.raw)).json()["error"] == "permission_denied"
    assert (await get(SUMMARY, alice)).json()["error"] == "permission_denied"
    assert (await get(SUMMARY, staff)).status_code == 200


async def test_the_export_is_for_staff_only(get: Get, staff: User, alice: User, entered: visitors.Entered) -> None:
    address = f"{EXPORT}?report=turns"
    assert (await get(address)).status_code == 401
    assert (await get(address, entered.issued.raw)).status_code == 403
    assert (await get(address, alice)).status_code == 403
    assert (await get(address, staff)).status_code == 200


def some_rows() -> None:
    who = visitor()
    thumb(turn(who), 1)
    turn(who, "=cmd|' /C calc'!A0", sources=())
    told("widget_loaded", who, locale="en")


async def test_the_summary_speaks_of_the_period(get: Get, reader: User) -> None:
    await sync(some_rows)()
    body = (await get(f"{SUMMARY}?{DAYS}", reader)).json()
    assert (body["first"], body["last"], body["time_zone"]) == ("2026-03-09", "2026-03-11", "UTC")
    assert (body["turns"]["answered"], body["feedback"]["up"], body["active"]["visitors"]) == (2, 1, 1)
    assert [group["question"] for group in body["unanswered_questions"]] == ["=cmd|' /C calc'!A0"]


async def test_staff_who_may_not_read_conversations_read_no_question(get: Get, staff: User) -> None:
    await sync(some_rows)()
    body = (await get(f"{SUMMARY}?{DAYS}", staff)).json()
    assert [(group["question"], group["asked"]) for group in body["unanswered_questions"]] == [("", 1)]
    assert (await get(f"{EXPORT}?{DAYS}&report=unanswered", staff)).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "from=",
        "days=",
        "days=0",
        "days=-1",
        "days=x",
        "days=1101",
        "days=9999999",
        "from=yesterday",
        "to=2999-01-01",
        "from=0001-01-01",
        "from=2026-03-02&to=2026-03-01",
        "from=2010-01-01&to=2026-01-01",
        "from=2026-02-30",
    ],
)
async def test_a_period_that_is_none_is_refused_by_name(get: Get, staff: User, query: str) -> None:
    for address in (f"{SUMMARY}?{query}", f"{EXPORT}?report=turns&{query}"):
        answer = await get(address, staff)
        assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request")


async def test_a_report_that_is_none_is_refused_by_name(get: Get, staff: User) -> None:
    for query in ("", "report=", "report=everything"):
        assert list((await get(f"{EXPORT}?{query}", staff)).json()["detail"]["fields"]) == ["report"]


@pytest.mark.parametrize("name", [*TABLES, EVENT_ROWS])
async def test_each_report_is_a_file_with_as_many_cells_in_each_row(get: Get, reader: User, name: str) -> None:
    await sync(some_rows)()
    answer = await get(f"{EXPORT}?{DAYS}&report={name}", reader)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="chatkit-{name}-2026-03-09-2026-03-11.csv"'
    rows = await rows_of(answer)
    assert {len(row) for row in rows} == {len(rows[0])}


async def test_a_question_is_no_formula(get: Get, reader: User) -> None:
    await sync(some_rows)()
    rows = await rows_of(await get(f"{EXPORT}?{DAYS}&report=unanswered", reader))
    assert rows[1][0] == "'=cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_begins_a_formula(text: str) -> None:
    assert str(tables.cell(text)).startswith("'")
    assert tables.cell(-1) == -1


async def test_events_come_as_they_are_each_once(get: Get, reader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BATCH", 3)

    def many() -> None:
        for number in range(20):
            told(f"step_{number:02}", at=NOON + timedelta(seconds=number // 8))
        told("of_another_day", at=NOON + timedelta(days=9))

    await sync(many)()
    rows = await rows_of(await get(f"{EXPORT}?{DAYS}&report={EVENT_ROWS}", reader))
    assert sorted(row[1] for row in rows[1:]) == [f"step_{number:02}" for number in range(20)]
    assert rows[0] == list(tables.EVENT_COLUMNS)


async def test_a_file_begins_before_it_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BATCH", 1)

    def many() -> None:
        Event.objects.bulk_create(Event(event_type="a", source="client", created_at=NOON) for _ in range(3))

    await sync(many)()
    pieces = await sync(lambda: list(tables.lines(EVENT_ROWS, Period(NOON.date(), NOON.date()))))()
    assert len(pieces) == 4


async def test_the_admins_cookie_is_enough_for_the_link_in_the_admin(staff: User) -> None:
    client = AsyncClient()
    await client.aforce_login(staff)
    address = reverse("analytics:export")
    answer = await client.get(f"{address}?report=turns&{DAYS}")
    assert (await rows_of(answer))[0][0] == "day"
    assert (await client.get(f"{EXPORT}?report=turns")).status_code == 401


async def test_the_link_in_the_admin_asks_strangers_to_sign_in(alice: User) -> None:
    client = AsyncClient()
    address = reverse("analytics:export")
    assert (await client.get(f"{address}?report=turns"))["Location"].startswith("/admin/login/?next=")
    await client.aforce_login(alice)
    assert (await client.get(f"{address}?report=turns")).status_code == 302


async def test_other_methods_are_refused(staff: User) -> None:
    client = AsyncClient()
    assert (await client.post(EXPORT)).status_code == 405
    assert (await client.delete(reverse("analytics:export"))).status_code in {403, 405}


async def test_limits_and_errors_are_in_the_files_too(get: Get, staff: User) -> None:
    await sync(noticed)("rate_limit_triggered", action="chat", tier="anonymous")
    await sync(noticed)("errors_told", transport="http", code="not_found", count=3)
    assert (await rows_of(await get(f"{EXPORT}?{DAYS}&report=limits", staff)))[1:] == [["chat", "anonymous", "1"]]
    assert (await rows_of(await get(f"{EXPORT}?{DAYS}&report=errors", staff)))[1:] == [["http", "not_found", "3"]]
