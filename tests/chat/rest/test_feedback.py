"""Thumbs under answers."""

import threading

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.accounts.visitors import Entered
from apps.chat.models import Feedback, Turn
from tests.accounts.conftest import Api
from tests.chat.rest.conftest import conversation, exchange

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def turn(alice: User) -> Turn:
    return exchange(conversation(alice))


def test_an_answer_can_be_rated_with_a_comment(as_alice: Api, turn: Turn) -> None:
    answer = as_alice.post(f"/messages/{turn.reply_id}/feedback", {"rating": 1, "comment": " Just right <b>. "})
    assert answer.status == 200
    assert (answer.body["message_id"], answer.body["comment"]) == (str(turn.reply_id), "Just right <b>.")


def test_the_last_rating_counts_and_takes_the_earlier_comment_along(as_alice: Api, turn: Turn) -> None:
    as_alice.post(f"/messages/{turn.reply_id}/feedback", {"rating": 1, "comment": "Good"})
    as_alice.post(f"/messages/{turn.reply_id}/feedback", {"rating": -1})
    assert [(row.rating, row.comment) for row in Feedback.objects.all()] == [(-1, "")]


def test_a_visitor_rates_too(as_visitor: Api, entered: Entered) -> None:
    turn = exchange(conversation(entered.visitor))
    assert as_visitor.post(f"/messages/{turn.reply_id}/feedback", {"rating": 1}).status == 200


def test_only_answers_of_ones_own_can_be_rated(as_bob: Api, as_alice: Api, turn: Turn) -> None:
    assert as_bob.post(f"/messages/{turn.reply_id}/feedback", {"rating": 1}).error == "not_found"
    assert as_alice.post(f"/messages/{turn.question_id}/feedback", {"rating": 1}).error == "not_found"
    assert as_alice.post("/messages/x/feedback", {"rating": 1}).error == "not_found"
    assert not Feedback.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("rating", value) for value in (0, 2, "1", True, 1.0, None, [1], {}, "x" * 10_000)),
        *(("comment", value) for value in (7, ["a"], {}, "a\0b", "x" * 2001)),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_a_value_of_the_wrong_kind_names_its_field(as_alice: Api, turn: Turn, field: str, value: object) -> None:
    answer = as_alice.post(f"/messages/{turn.reply_id}/feedback", {"rating": 1, field: value})
    assert (answer.status, list(answer.body["detail"]["fields"])) == (422, [field])
    assert len(str(answer.body)) < 1000


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_at_the_same_time_are_one_opinion(as_alice: Api, turn: Turn) -> None:
    statuses: list[int] = []

    def click(rating: int) -> None:
        statuses.append(Api(as_alice.token).post(f"/messages/{turn.reply_id}/feedback", {"rating": rating}).status)
        connection.close()

    clicks = [threading.Thread(target=click, args=(1 if number % 2 else -1,)) for number in range(10)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert statuses == [200] * 10
    assert Feedback.objects.count() == 1
