"""Limits per address: declared with django-ratelimit, counted in our table."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.throttling.addresses import per_address, require_address
from apps.throttling.cache import CounterCache
from apps.throttling.limits import RateLimited
from apps.throttling.models import Counter
from chatkit.config import Config, RateLimits
from chatkit.values import Rate

pytestmark = pytest.mark.database
ALICE, BOB = "203.0.113.5", "203.0.113.6"


@pytest.fixture(autouse=True)
def three_signups_an_hour(settings: Settings) -> None:
    settings.CHATKIT = Config(rate_limits=RateLimits(signup=Rate(3, 3600)))


class SignUp(APIView):
    authentication_classes = permission_classes = ()

    @per_address("signup")
    def post(self, request: Request) -> Response:
        return Response({"ok": True})


def call(address: str) -> Any:
    request = RequestFactory().post("/api/v1/auth/signup", "{}", content_type="application/json", REMOTE_ADDR=address)
    response = SignUp.as_view()(request)
    response.announced = getattr(request, "limit_headers", {})
    return response


@pytest.mark.django_db
def test_the_fourth_call_of_an_address_is_refused_with_all_that_the_contract_promises() -> None:
    assert [call(ALICE).status_code for _ in range(3)] == [200, 200, 200]
    refused = call(ALICE)
    assert refused.status_code == 429
    assert refused.data["detail"]["limit"] == 3
    assert 1 <= int(refused["Retry-After"]) == refused.data["detail"]["retry_after"] <= 3601
    assert refused["RateLimit-Policy"] == '"signup";q=3;w=3600'


@pytest.mark.django_db
def test_each_answer_announces_what_is_left() -> None:
    assert call(ALICE).announced["RateLimit"].startswith('"signup";r=2;t=')


@pytest.mark.django_db
def test_addresses_do_not_share_a_window() -> None:
    for _ in range(4):
        call(ALICE)
    assert call(BOB).status_code == 200


@pytest.mark.django_db
def test_the_owner_can_read_the_counter() -> None:
    call(ALICE)
    counter = Counter.objects.get()
    assert (counter.action, counter.subject, counter.count, counter.maximum) == ("signup", ALICE, 1, 3)
    assert (counter.expires_at - counter.started_at).total_seconds() == 3600


@pytest.mark.django_db
def test_no_limit_counts_nothing(settings: Settings) -> None:
    settings.CHATKIT = Config(rate_limits=RateLimits(signup=Rate(None, 60)))
    assert (call(ALICE).status_code, Counter.objects.count()) == (200, 0)


def try_address(_: int) -> bool:
    try:
        require_address(RequestFactory().post("/", REMOTE_ADDR=ALICE), "signup")
    except RateLimited:
        return False
    finally:
        connection.close()
    return True


@pytest.mark.django_db(transaction=True)
def test_64_parallel_calls_against_a_limit_of_3_let_3_through() -> None:
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(try_address, range(64))) == 3


@pytest.fixture
def counters() -> CounterCache:
    found = caches["limits"]
    assert isinstance(found, CounterCache)
    return found


@pytest.mark.django_db
def test_the_cache_keeps_to_django_s_interface(counters: CounterCache) -> None:
    assert counters.add("visits", 1, 60)
    assert not counters.add("visits", 5, 60)
    assert counters.incr("visits", 2) == 3
    counters.set("visits", 10, 60)
    assert counters.get("visits") == 10
    assert counters.touch("visits", 120)
    assert counters.delete("visits")
    assert counters.get("visits", "gone") == "gone"
    with pytest.raises(ValueError, match="There is no counter 'visits'"):
        counters.incr("visits")


@pytest.mark.django_db
def test_the_cache_forgets_what_has_expired(counters: CounterCache) -> None:
    counters.add("visits", 1, -1)
    assert counters.get("visits") is None
    assert counters.add("visits", 7, 60)
    assert counters.get("visits") == 7


def increment(_: int) -> bool:
    counters = caches["limits"]
    added = counters.add("hot", 1, 60)
    if not added:
        counters.incr("hot")
    connection.close()
    return added


@pytest.mark.django_db(transaction=True)
def test_parallel_adds_have_one_winner_and_no_increment_is_lost(counters: CounterCache) -> None:
    with ThreadPoolExecutor(16) as pool:
        winners = sum(pool.map(increment, range(200)))
    assert (winners, counters.get("hot")) == (1, 200)
