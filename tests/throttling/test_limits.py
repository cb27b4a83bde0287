"""Counting is exact: in one process or many, on either database, through restarts."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from apps.throttling import limits
from apps.throttling.models import Counter
from chatkit import retention
from chatkit.config import Config, RateLimits
from chatkit.values import Rate
from tests.environment import ROOT
from tests.live import clean_environment

pytestmark = pytest.mark.database
SAVE = "save_chat"


@pytest.fixture(autouse=True)
def five_saves_a_minute(settings: Settings) -> None:
    settings.CHATKIT = Config(rate_limits=RateLimits(save_chat=Rate(5, 60)))


def move_clock(seconds: float) -> None:
    """As if this much time had passed for every window."""
    by = timedelta(seconds=seconds)
    Counter.objects.update(started_at=F("started_at") - by, expires_at=F("expires_at") - by)


def consume_on_own_connection(subject: str) -> bool:
    try:
        return limits.consume(subject, SAVE).is_allowed
    finally:
        connection.close()


def start_callers(count: int, calls: int, database_url: str) -> "list[subprocess.Popen[str]]":
    settings = {"DATABASE_URL": database_url, "RATE_LIMITS__SAVE_CHAT": "5/60", "SECRET_KEY": "s" * 40}
    command = [sys.executable, "-m", "tests.throttling.caller", "user:alice", SAVE, str(calls)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return [subprocess.Popen(command, cwd=ROOT, env=clean_environment(settings), **pipes) for _ in range(count)]  # type: ignore[call-overload]


def finish(callers: "list[subprocess.Popen[str]]") -> int:
    for caller in callers:
        assert caller.stdin is not None
        caller.stdin.write("go\n")
        caller.stdin.flush()
    return sum(int(caller.communicate(timeout=60)[0]) for caller in callers)


@pytest.mark.django_db(transaction=True)
def test_64_threads_against_a_limit_of_5_let_5_through() -> None:
    with ThreadPoolExecutor(16) as pool:
        allowed = list(pool.map(consume_on_own_connection, ["user:alice"] * 64))
    assert sum(allowed) == 5


@pytest.mark.django_db(transaction=True)
def test_processes_share_one_window_and_a_restart_forgets_nothing(database_url: str) -> None:
    assert limits.consume("user:alice", SAVE).is_allowed
    assert finish(start_callers(4, 16, database_url)) == 4
    # Processes that start afterwards are the same server after a restart.
    assert finish(start_callers(2, 8, database_url)) == 0
    assert Counter.objects.get().count == 5


@pytest.mark.django_db
def test_a_refused_caller_learns_when_calling_again_succeeds() -> None:
    for _ in range(5):
        limits.consume("user:alice", SAVE)
    refused = limits.consume("user:alice", SAVE)
    assert not refused.is_allowed
    move_clock(refused.reset_seconds)
    assert limits.consume("user:alice", SAVE).is_allowed


@pytest.mark.django_db
def test_a_caller_who_waits_a_second_less_is_refused() -> None:
    for _ in range(5):
        limits.consume("user:alice", SAVE)
    move_clock(limits.consume("user:alice", SAVE).reset_seconds - 1.5)
    assert not limits.consume("user:alice", SAVE).is_allowed


@pytest.mark.django_db
def test_the_window_starts_at_the_first_counted_call() -> None:
    limits.consume("user:alice", SAVE)
    move_clock(50)
    assert limits.consume("user:alice", SAVE).reset_seconds in {9, 10}


@pytest.mark.django_db
def test_a_refused_caller_writes_nothing() -> None:
    for _ in range(5):
        limits.consume("user:alice", SAVE)
    before = Counter.objects.values().get()
    limits.consume("user:alice", SAVE)
    assert Counter.objects.values().get() == before


@pytest.mark.django_db
def test_callers_do_not_share_a_window() -> None:
    for _ in range(5):
        limits.consume("user:alice", SAVE)
    assert limits.consume("user:bob", SAVE).remaining == 4


@pytest.mark.django_db
def test_tiers_share_one_window_so_that_changing_tier_does_not_start_anew(settings: Settings) -> None:
    settings.CHATKIT = Config(rate_limits=RateLimits(chat_anonymous=Rate(2, 60), chat_full=Rate(4, 60)))
    for _ in range(2):
        limits.consume("user:alice", "chat_anonymous")
    assert not limits.consume("user:alice", "chat_anonymous").is_allowed
    assert limits.consume("user:alice", "chat_full").remaining == 1


@pytest.mark.django_db
def test_no_limit_counts_nothing_and_announces_nothing(settings: Settings) -> None:
    settings.CHATKIT = Config(rate_limits=RateLimits(save_chat=Rate(None, 60)))
    allowance = limits.consume("user:alice", SAVE)
    assert (allowance.is_allowed, allowance.headers, Counter.objects.count()) == (True, {}, 0)


@pytest.mark.django_db
def test_looking_does_not_count() -> None:
    limits.consume("user:alice", SAVE)
    assert [limits.status("user:alice", SAVE).remaining for _ in range(3)] == [4, 4, 4]


@pytest.mark.django_db
def test_what_is_given_back_can_be_used_again() -> None:
    for _ in range(5):
        limits.consume("user:alice", SAVE)
    limits.give_back("user:alice", SAVE)
    assert [limits.consume("user:alice", SAVE).is_allowed for _ in range(2)] == [True, False]


@pytest.mark.django_db
def test_a_reset_frees_the_caller_at_once() -> None:
    for _ in range(6):
        limits.consume("user:alice", SAVE)
    limits.reset("user:alice", SAVE)
    assert limits.consume("user:alice", SAVE).remaining == 4


@pytest.mark.django_db
def test_the_headers_follow_the_draft() -> None:
    headers = limits.consume("user:alice", SAVE).headers
    assert headers == {"RateLimit-Policy": '"save_chat";q=5;w=60', "RateLimit": '"save_chat";r=4;t=60'}


@pytest.mark.django_db
def test_a_refusal_says_all_that_the_contract_promises() -> None:
    for _ in range(5):
        limits.require("user:alice", SAVE)
    with pytest.raises(limits.RateLimited) as refusal:
        limits.require("user:alice", SAVE)
    body = refusal.value.body("id")
    assert body["message"] == f"Too many saved chats. Try again in {body['detail']['retry_after']} seconds."
    assert body["detail"] == {"error": "rate_limited", "retry_after": 60, "limit": 5, "window": 60}
    assert refusal.value.headers["Retry-After"] == "60"


@pytest.mark.django_db
def test_pruning_deletes_dead_windows_and_spares_running_ones() -> None:
    limits.consume("user:alice", SAVE)
    move_clock(61)
    limits.consume("user:bob", SAVE)
    assert dict(retention.prune())["limit windows that ended"] == 1
    assert Counter.objects.get().subject == "user:bob"


def test_every_limit_of_the_configuration_has_a_row_in_the_table() -> None:
    assert {"register" if name == "register_" else name for name in RateLimits.model_fields} == set(limits.LIMITS)


def test_test_mode_uses_its_column_and_an_explicit_value_beats_it(settings: Settings) -> None:
    chosen = RateLimits(personalize=Rate(7, 7))
    settings.CHATKIT = Config(integration_test_mode=True, rate_limits=chosen)
    assert (str(limits.rate_of(SAVE)), str(limits.rate_of("personalize"))) == ("2/10", "7/7")
