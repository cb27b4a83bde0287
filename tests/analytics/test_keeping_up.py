"""Catching up beside requests: all of it, in pieces that a stopping server need not wait for long."""

import asyncio

import pytest

from apps.analytics import questions, rollup
from apps.analytics.models import AskedQuestion, Day
from tests.analytics.stories import turn, visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def test_history_is_caught_up_with_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    who, pieces, catch_up = visitor(), [], questions.catch_up
    for number in range(5):
        turn(who, f"What is number {number}?")

    def noted(most: int) -> int:
        pieces.append(catch_up(most))
        return pieces[-1]

    monkeypatch.setattr(questions, "AT_ONCE", 2)
    monkeypatch.setattr(questions, "catch_up", noted)
    assert asyncio.run(rollup.catch_up_by_pieces()) == Day.objects.count() > 0
    assert pieces == [2, 2, 1, 0]
    assert AskedQuestion.objects.count() == 5
