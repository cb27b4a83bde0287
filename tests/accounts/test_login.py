"""Guessing passwords: counted before they are looked at, given back when right, locked without a hint."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.db import connection
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from apps.accounts import hashing
from apps.accounts.models import SignIn, User
from apps.throttling.models import Counter
from chatkit.config import Config, RateLimits
from chatkit.values import Rate
from tests.accounts.conftest import PASSWORD, Answer, Api
from tests.environment import CANARY

pytestmark = [pytest.mark.database, pytest.mark.django_db]
WRONG = f"{CANARY} wrong"


@pytest.fixture(autouse=True)
def three_guesses(settings: Settings) -> None:
    limits = RateLimits(login_failures=Rate(3, 900), login_failures_account=Rate(5, 3600))
    settings.CHATKIT = Config(rate_limits=limits)


def log_in(api: Api, password: str = PASSWORD, email: str = "alice@example.com") -> Answer:
    return api.post("/auth/login", {"email": email, "password": password})


def log_in_from(address: str, password: str) -> int:
    body = f'{{"email": "alice@example.com", "password": "{password}"}}'
    answer = Client().post("/api/v1/auth/login", body, content_type="application/json", REMOTE_ADDR=address)
    return answer.status_code


def test_a_locked_account_does_not_tell_whether_the_password_was_right(api: Api, alice: User) -> None:
    assert [log_in(api, WRONG).status for _ in range(3)] == [401] * 3
    right, wrong = log_in(api), log_in(api, WRONG)
    assert (right.status, right.error) == (429, "rate_limited")
    assert {**right.body, "request_id": ""} == {**wrong.body, "request_id": ""}


def test_an_unknown_address_is_locked_the_same_way(api: Api) -> None:
    assert [log_in(api, WRONG, "nobody@example.com").status for _ in range(4)] == [401, 401, 401, 429]


def test_any_spelling_of_an_address_is_one_to_guess_at(api: Api, alice: User) -> None:
    spellings = ["alice@example.com", "ALICE@example.com", "Alice@Example.com", "alice@EXAMPLE.com"]
    assert [log_in(api, WRONG, spelling).status for spelling in spellings] == [401, 401, 401, 429]


def test_right_passwords_do_not_count(api: Api, alice: User) -> None:
    assert [log_in(api).status for _ in range(6)] == [200] * 6
    assert set(Counter.objects.values_list("count", flat=True)) == {0}


def test_the_lock_opens_by_itself(api: Api, alice: User) -> None:
    for _ in range(3):
        log_in(api, WRONG)
    wait = timedelta(seconds=int(log_in(api).headers["Retry-After"]))
    Counter.objects.update(started_at=F("started_at") - wait, expires_at=F("expires_at") - wait)
    assert log_in(api).status == 200


def test_another_address_is_not_locked_until_the_slower_limit_is_reached(alice: User) -> None:
    assert [log_in_from("203.0.113.1", WRONG) for _ in range(4)] == [401, 401, 401, 429]
    assert [log_in_from("203.0.113.2", WRONG) for _ in range(2)] == [401, 401]
    assert log_in_from("203.0.113.3", PASSWORD) == 429


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_get_no_more_tries_than_the_limit(alice: User) -> None:
    def guess(_: int) -> int:
        try:
            return log_in(Api(), WRONG).status
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(guess, range(16))) == [401] * 3 + [429] * 13


def test_answers_announce_what_is_left(api: Api, alice: User) -> None:
    assert log_in(api, WRONG).headers["RateLimit"] == '"login_failures";r=2;t=900'
    assert log_in(api).headers["RateLimit"].startswith('"login_failures";r=2;')


def test_a_disabled_account_is_refused_like_a_wrong_password(api: Api, alice: User) -> None:
    User.objects.update(is_active=False)
    assert (log_in(api).status, log_in(api).error) == (401, "unauthorized")


def test_an_account_without_a_password_has_none_to_guess(api: Api, bob: User) -> None:
    assert [log_in(api, guess, "bob@example.com").status for guess in ("!", "x" * 20)] == [401, 401]


def test_every_attempt_is_in_the_history(api: Api, alice: User) -> None:
    log_in(api, WRONG)
    log_in(api)
    found = SignIn.objects.order_by("created_at").values_list("user__email", "method", "outcome", "address")
    assert list(found) == [
        ("alice@example.com", "password", "failed", "127.0.0.1"),
        ("alice@example.com", "password", "succeeded", "127.0.0.1"),
    ]


def test_a_locked_caller_writes_no_history(api: Api, alice: User) -> None:
    for _ in range(6):
        log_in(api, WRONG)
    assert SignIn.objects.count() == 3


def test_the_admins_form_is_limited_too(alice: User, unhashed_files: None) -> None:
    User.objects.update(is_staff=True)
    form = {"username": "alice@example.com", "password": WRONG}
    assert [Client().post("/admin/login/", form).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_the_admins_form_lets_staff_in(alice: User, unhashed_files: None) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    browser = Client()
    form = {"username": "Alice@example.com", "password": PASSWORD}
    assert browser.post("/admin/login/?next=/admin/", form).status_code == 302
    assert browser.get("/admin/").status_code == 200


def test_passwords_are_argon2id_at_the_contracts_cost(alice: User) -> None:
    assert alice.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert not identify_hasher(alice.password).must_update(alice.password)


def test_the_dummy_costs_what_a_real_password_costs() -> None:
    assert hashing.DUMMY.split("$")[1:4] == make_password(CANARY).split("$")[1:4]
    assert not check_password("", hashing.DUMMY)


def test_without_an_account_a_hash_is_verified_all_the_same(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    def watch(password: str, encoded: str) -> bool:
        verified.append(encoded)
        return check_password(password, encoded)

    monkeypatch.setattr(hashing, "check_password", watch)
    log_in(api, WRONG, "nobody@example.com")
    assert verified == [hashing.DUMMY]


def test_the_dummys_own_password_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "check_password", lambda *_: True)
    assert not hashing.verify(CANARY, None)


def test_the_pool_is_no_larger_than_the_machine() -> None:
    assert hashing._pool._max_workers == (os.cpu_count() or 1)
