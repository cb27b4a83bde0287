"""A provider that keeps failing is left alone for a while, and only for its own faults."""

import pytest

from apps.gateway.breaker import MOST_FAULTS, REST_SECONDS, Breaker, State
from apps.gateway.failures import Failure, Kind


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        permit = breaker.admit()
        breaker.failed(permit, Failure(Kind.OVERLOADED))
        breaker.release(permit)


def succeed(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        permit = breaker.admit()
        breaker.succeeded(permit)
        breaker.release(permit)


def refused(breaker: Breaker) -> Kind:
    with pytest.raises(Failure) as failure:
        breaker.admit()
    return failure.value.kind


def test_it_opens_when_half_of_the_last_calls_failed(breaker: Breaker) -> None:
    succeed(breaker, 20)
    fail(breaker, MOST_FAULTS - 1)
    assert breaker.state is State.CLOSED
    fail(breaker)
    assert breaker.state is State.OPEN
    assert refused(breaker) is Kind.BREAKER_OPEN


def test_faults_among_many_answers_do_not_open_it(breaker: Breaker) -> None:
    for _ in range(20):
        fail(breaker, 2)
        succeed(breaker, 8)
    assert breaker.state is State.CLOSED


def test_after_the_rest_one_call_may_try(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, MOST_FAULTS)
    clock.now += REST_SECONDS
    assert breaker.state is State.HALF_OPEN
    breaker.admit()
    assert refused(breaker) is Kind.BREAKER_OPEN


def test_an_answer_to_the_trial_closes_it_for_good(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, MOST_FAULTS)
    clock.now += REST_SECONDS
    succeed(breaker)
    fail(breaker, MOST_FAULTS - 1)
    assert breaker.state is State.CLOSED


def test_a_failed_trial_begins_another_rest(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, MOST_FAULTS)
    clock.now += REST_SECONDS
    fail(breaker)
    assert breaker.state is State.OPEN
    clock.now += REST_SECONDS
    assert breaker.state is State.HALF_OPEN


def test_a_cancelled_trial_lets_the_next_try(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, MOST_FAULTS)
    clock.now += REST_SECONDS
    breaker.release(breaker.admit())
    assert breaker.admit().is_trial


def test_what_began_before_the_rest_changes_nothing(breaker: Breaker, clock: Clock) -> None:
    early = [breaker.admit(), breaker.admit()]
    fail(breaker, MOST_FAULTS)
    clock.now += REST_SECONDS - 1
    breaker.failed(early[0], Failure(Kind.CUT))
    breaker.succeeded(early[1])
    assert breaker.state is State.OPEN
    clock.now += 1
    assert breaker.state is State.HALF_OPEN


@pytest.mark.parametrize("kind", list(Kind))
def test_only_the_providers_own_faults_count(kind: Kind) -> None:
    ours = {
        Kind.RATE_LIMITED,
        Kind.KEY_REFUSED,
        Kind.UNKNOWN_MODEL,
        Kind.REQUEST_REFUSED,
        Kind.EMPTY,
        Kind.BREAKER_OPEN,
    }
    breaker = Breaker()
    for _ in range(MOST_FAULTS):
        breaker.failed(breaker.admit(), Failure(kind))
    assert (breaker.state is State.OPEN) is (kind not in ours)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_failure_has_a_sentence_for_visitors(kind: Kind) -> None:
    told = Failure(kind, status=503, request_id="req_1", error_type="api_error").for_visitors()
    assert told.code in {"runtime_unavailable", "rate_limited"}
    assert told.message.endswith(".")
    assert "req_1" not in told.message


@pytest.mark.parametrize("value", ["ignore this\nfake log line", "x" * 100, {"a": 1}, None, ""])
def test_what_providers_call_their_errors_is_checked(value: object) -> None:
    assert Failure(Kind.CUT, error_type=value).error_type is None
