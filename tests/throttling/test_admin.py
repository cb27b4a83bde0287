"""What an owner can see of limits, and do about them."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.throttling import limits
from apps.throttling.models import Counter
from tests.leaks import CANARY

pytestmark = pytest.mark.django_db
COUNTERS = "/admin/throttling/counter/"
SAVE = "save_chat"


@pytest.fixture
def owner(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner@example.com", f"{CANARY}-owner"))
    return client


def exhaust(subject: str) -> None:
    for _ in range(6):
        limits.consume(subject, SAVE)


def test_the_filter_shows_who_is_limited_now(owner: Client) -> None:
    exhaust("user:alice")
    limits.consume("user:bob", SAVE)
    page = owner.get(COUNTERS, {"state": "limited"}).content.decode()
    assert "user:alice" in page
    assert "user:bob" not in page


def test_the_search_finds_a_caller(owner: Client) -> None:
    limits.consume("user:alice", SAVE)
    limits.consume("user:bob", SAVE)
    page = owner.get(COUNTERS, {"q": "alice"}).content.decode()
    assert ("user:alice" in page, "user:bob" in page) == (True, False)


def reset(client: Client) -> None:
    chosen = {"action": "reset_selected", "_selected_action": [Counter.objects.get().pk]}
    client.post(COUNTERS, chosen, follow=True)


def test_a_reset_lets_the_caller_go_on(owner: Client) -> None:
    exhaust("user:alice")
    reset(owner)
    assert limits.consume("user:alice", SAVE).is_allowed


def test_staff_who_may_only_look_cannot_reset(client: Client) -> None:
    support = User.objects.create_user("support@example.com", f"{CANARY}-support", is_staff=True)
    support.user_permissions.add(Permission.objects.get(codename="view_counter"))
    client.force_login(support)
    exhaust("user:alice")
    assert client.get(COUNTERS).status_code == 200
    reset(client)
    assert not limits.consume("user:alice", SAVE).is_allowed


def test_nobody_edits_a_counter_by_hand(owner: Client) -> None:
    limits.consume("user:alice", SAVE)
    assert owner.get(f"{COUNTERS}add/").status_code == 403
    page = owner.get(f"{COUNTERS}{Counter.objects.get().pk}/change/").content.decode()
    assert 'name="_save"' not in page


def test_the_page_of_limits_says_where_each_comes_from(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS__SAVE_CHAT", "5/60")
    page = owner.get(f"{COUNTERS}limits/").content.decode()
    row = page[page.index(">save_chat<") :].split("</tr>")[0]
    assert "5 in 60 s" in row
    assert "environment" in row
    assert page.count('<th scope="row">') == len(limits.TABLE)


def test_strangers_see_nothing(client: Client) -> None:
    assert client.get(f"{COUNTERS}limits/").status_code == 302


def test_markup_in_a_subject_is_shown_as_text(owner: Client) -> None:
    limits.consume("<script>alert(1)</script>", SAVE)
    assert b"<script>alert(1)" not in owner.get(COUNTERS).content


def test_the_list_costs_the_same_however_long_it_is(
    owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(50):
        limits.consume(f"user:{number}", SAVE)
    with django_assert_max_num_queries(8):
        owner.get(COUNTERS)
