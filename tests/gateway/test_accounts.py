"""What an answer cost, also where nobody said it."""

import pytest

from apps.chat.agents import Outcome
from apps.gateway.accounts import Account
from apps.gateway.failures import retry_after
from apps.gateway.prompts import estimate
from apps.gateway.protocol import Delta, Usage
from tests.gateway.conftest import QUESTION


def account(*pieces: Delta | Usage, is_complete: bool) -> Usage:
    kept = Account("anthropic", QUESTION)
    for piece in pieces:
        kept.note(piece)
    return kept.close(is_complete=is_complete)


def test_what_was_said_last_counts() -> None:
    usage = account(Usage(40, 1, 100, 7), Delta("a"), Usage(output_tokens=9, stop_reason="end_turn"), is_complete=True)
    assert usage == Usage(40, 9, 100, 7, "end_turn")
    assert usage.total == 156


def test_an_answer_that_broke_off_cost_at_least_its_pieces() -> None:
    usage = account(Usage(40, 1), Delta("a"), Delta("b"), Delta("c"), is_complete=False)
    assert (usage.input_tokens, usage.output_tokens) == (40, 3)


def test_an_input_that_nobody_counted_is_estimated() -> None:
    assert account(Delta("a"), is_complete=False).input_tokens == estimate(QUESTION)


def test_what_never_began_cost_nothing_that_is_known() -> None:
    assert account(is_complete=False) == Usage()


def test_names_that_are_too_long_for_their_columns_are_cut() -> None:
    columns = Outcome(model="m" * 300, stop_reason="r" * 300).columns()
    assert (len(columns["model"]), len(columns["stop_reason"])) == (100, 32)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        ("0", 1),
        ("0.2", 1),
        ("1.5", 2),
        ("999999", 3600),
        ("soon", None),
        ("-1", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_whole_seconds(value: str | None, seconds: int | None) -> None:
    assert retry_after(value) == seconds
