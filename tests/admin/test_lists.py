"""Lists that stay quick: whatever a page of a list offers, the database looks at a bounded number of rows for it."""

import json
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

import chatkit.admin
from apps.accounts.models import User
from apps.chat.models import Conversation, Message
from chatkit.admin import Listing
from tests.admin.pages import SHORT, pages
from tests.leaks import CANARY
from tests.rows import fill

pytestmark = [pytest.mark.database, pytest.mark.django_db]
ROWS, BOUND = 6_000, 100
# A walk over a whole table passes each of its rows; everything here stays far below.
MOST_ROWS = ROWS // 2
STEPS_A_ROW = 10


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COUNTED", "LOOKED_THROUGH", "OFFERED_FROM"):
        monkeypatch.setattr(chatkit.admin, name, BOUND)
    monkeypatch.setattr("apps.accounts.admin.LOOKED_THROUGH", BOUND)
    for listing in admin.site._registry.values():
        if isinstance(listing, Listing):
            monkeypatch.setattr(listing, "looked_through", BOUND)
            monkeypatch.setattr(listing, "list_per_page", 10)


def rows_looked_at(queries: list[dict[str, str]]) -> int:
    """PostgreSQL counts them; of SQLite only the steps are known, which are some ten a row."""
    if connection.vendor == "sqlite":
        return steps(queries) // STEPS_A_ROW
    with connection.cursor() as cursor:
        # It reads a small table whole sooner than through an index; a large one it does not.
        cursor.execute("SET LOCAL enable_seqscan = off")
        total = 0
        for query in queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
                told = cursor.fetchone()[0]
                total += passed((json.loads(told) if isinstance(told, str) else told)[0]["Plan"])
        return total


def passed(plan: dict[str, Any]) -> int:
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return int(own if not plan.get("Plans") else 0) + sum(map(passed, plan.get("Plans", ())))


def steps(queries: list[dict[str, str]]) -> int:
    count = 0

    def step() -> int:
        nonlocal count
        count += 100
        return 0

    raw = connection.connection
    raw.set_progress_handler(step, 100)
    for query in queries:
        if query["sql"].startswith("SELECT"):
            raw.execute(query["sql"]).fetchall()
    raw.set_progress_handler(None, 0)
    return count


@pytest.mark.usefixtures("small_bounds")
def test_no_page_of_a_list_looks_at_every_row_or_asks_often(owner: Client) -> None:
    fill(ROWS)
    slow, seen = [], 0
    for model, listing in admin.site._registry.items():
        for page in pages(owner, model, listing) if model not in SHORT else ():
            with CaptureQueriesContext(connection) as asked:
                assert owner.get(page).status_code == 200, page
            looked_at = rows_looked_at(asked.captured_queries)
            seen += 1
            if looked_at > MOST_ROWS or len(asked) >= 15:
                slow.append((page, looked_at, len(asked)))
    assert slow == []
    assert seen > 100


def test_every_list_is_made_for_many_rows() -> None:
    assert [model for model, of in admin.site._registry.items() if not isinstance(of, Listing)] == [*SHORT]


@pytest.mark.usefixtures("small_bounds")
def test_more_rows_than_are_counted_are_said_to_be_more(owner: Client) -> None:
    fill(BOUND + 1)
    assert f"More than {BOUND} conversations" in owner.get("/admin/chat/conversation/").content.decode()
    assert owner.get(f"/admin/chat/conversation/?p={BOUND // 10}").status_code == 200


@pytest.mark.usefixtures("small_bounds")
def test_words_are_looked_for_in_the_newest_rows_and_ids_in_all(owner: Client) -> None:
    fill(BOUND * 3)
    old = Conversation.objects.order_by("updated_at")[0]

    def found(asked: object) -> int:
        return int(owner.get("/admin/chat/conversation/", {"q": str(asked)}).context["cl"].result_count)

    assert found("number 1") < BOUND
    assert found(f'"{old.title}"') == 0
    assert found(old.id) == 1
    assert found(Message.objects.filter(conversation=old)[0].id) == 1


def test_the_list_says_what_its_search_finds(owner: Client) -> None:
    page = owner.get("/admin/chat/conversation/").content.decode()
    assert "e-mail address" in page
    assert "newest 2,000 conversations" in page


def test_nobody_filters_by_a_password(owner: Client) -> None:
    assert owner.get("/admin/accounts/session/?user__password__startswith=argon2").status_code == 400
    assert owner.get("/admin/chat/conversation/?user__password__startswith=argon2").status_code == 400


def test_the_search_for_a_null_byte_finds_nothing(owner: Client) -> None:
    assert owner.get("/admin/chat/conversation/", {"q": "\x00"}).status_code == 200


def test_filters_offer_what_the_newest_rows_hold() -> None:
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("owner@example.com", f"{CANARY}-owner")
    fill(10)
    from apps.chat.models import Turn

    changelist = admin.site._registry[Turn].get_changelist_instance(request)
    models = next(spec for spec in changelist.filter_specs if spec.title == "model")
    assert [choice["display"] for choice in models.choices(changelist)] == ["All", "local", "other"]
