"""No sentence, no address and no secret fits into an event of the server's own."""

from uuid import uuid4

import pytest

from apps.accounts.models import Tier
from apps.analytics.facts import MOST, NotAFact, coded, facts
from tests.environment import CANARY


def test_numbers_ids_and_codes_are_facts() -> None:
    key = uuid4()
    said = {"turn_id": key, "tier": Tier.FULL, "sources": 3, "seconds": 0.5, "everywhere": True, "model": "a.b-1:0"}
    assert facts(said) == {**said, "turn_id": str(key), "tier": "full"}


@pytest.mark.parametrize(
    "value",
    [
        "two words",
        "alice@example.com",
        "line\nbreak",
        "x" * 129,
        "ümlaut",
        f"ckv_{CANARY}0123456789abcdef",
        "integration-test-session-token-12345",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
        ["a"],
        {"a": 1},
        b"bytes",
    ],
)
def test_everything_else_is_refused(value: object) -> None:
    with pytest.raises(NotAFact) as refused:
        facts({"reason": value})
    assert str(value) not in str(refused.value)


@pytest.mark.parametrize("name", ["session_token", "password", "API", "with space", "", "authorization"])
def test_names_of_secrets_are_refused(name: str) -> None:
    with pytest.raises(NotAFact):
        facts({name: 1})


def test_an_event_says_little() -> None:
    with pytest.raises(NotAFact):
        facts({f"fact_{number}": number for number in range(MOST + 1)})


def test_a_name_that_an_owner_chose_becomes_a_code() -> None:
    assert facts({"model": coded("Llama 3.1 (70B)")}) == {"model": "Llama_3.1_70B_"}
