"""What moves with a visitor who signs in, what a person takes along or has deleted, and what time takes."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts import rights, visitors
from apps.accounts.models import User, Visitor
from apps.chat.models import Conversation, Feedback, Message, SavedChat, Turn, TurnEvent
from chatkit import retention
from tests.accounts.conftest import Api
from tests.chat.rest.conftest import conversation, exchange

pytestmark = [pytest.mark.database, pytest.mark.django_db]
MODELS = (Conversation, Message, Turn, TurnEvent, Feedback, SavedChat)


def everything(owner: User) -> Conversation:
    """A row of this person in every table."""
    own = conversation(owner)
    turn = exchange(own)
    TurnEvent.objects.create(turn=turn, seq=0, event_type="agent.started")
    TurnEvent.objects.create(turn=turn, seq=1, event_type="agent.completed")
    Feedback.objects.create(message=turn.reply, rating=1, comment="Good")
    SavedChat.objects.create(user=owner, conversation=own, title="Kept", messages=[{"role": "user", "content": "a"}])
    return own


def test_a_visitor_who_signs_in_brings_the_conversations_along(
    as_alice: Api, as_visitor: Api, entered: visitors.Entered
) -> None:
    own = conversation(entered.visitor)
    exchange(own)
    conversation(entered.visitor, "Empty")
    proof = {"anon_id": str(entered.visitor.id), "visitor_token": entered.issued.raw}
    assert as_alice.post("/auth/migrate-session", proof).body == {"migrated_messages": 2}
    assert len(as_alice.get("/conversations").body["results"]) == 2
    assert as_alice.get(f"/conversations/{own.id}").status == 200
    assert as_visitor.get(f"/conversations/{own.id}").status == 401


def test_conversations_move_once(as_alice: Api, entered: visitors.Entered, alice: User) -> None:
    exchange(conversation(entered.visitor))
    assert [visitors.claim(entered.visitor, alice) for _ in range(2)] == [2, 0]


def test_another_visitors_conversations_stay(alice: User, visitor: Visitor, entered: visitors.Entered) -> None:
    exchange(conversation(visitor))
    assert visitors.claim(entered.visitor, alice) == 0
    assert Conversation.objects.get().visitor_id == visitor.id


@pytest.mark.django_db(transaction=True)
def test_of_many_who_move_them_at_the_same_time_one_does(alice: User, visitor: Visitor) -> None:
    exchange(conversation(visitor))
    moved: list[int] = []

    def claim() -> None:
        moved.append(visitors.claim(Visitor.objects.get(id=visitor.id), alice))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(moved) == [0, 0, 0, 0, 0, 2]


def test_a_running_turn_moves_along(alice: User, visitor: Visitor) -> None:
    turn = exchange(conversation(visitor), status="running")
    visitors.claim(visitor, alice)
    turn.refresh_from_db()
    assert (turn.status, turn.conversation.user_id) == ("running", alice.id)


def test_the_export_has_everything(as_alice: Api, alice: User) -> None:
    everything(alice)
    body = as_alice.get("/account/export").body
    parts = ("conversations", "messages", "turns", "journals", "feedback", "saved_chats")
    assert {name: len(body[name]) for name in parts} == {
        "conversations": 1,
        "messages": 2,
        "turns": 1,
        "journals": 2,
        "feedback": 1,
        "saved_chats": 1,
    }
    assert [row["content"] for row in body["messages"]] == ["How?", "So."]


def test_the_export_has_nothing_of_others(as_bob: Api, alice: User) -> None:
    everything(alice)
    assert as_bob.get("/account/export").body["messages"] == []


def test_the_deletion_leaves_nothing_and_spares_others(as_alice: Api, alice: User, bob: User) -> None:
    everything(alice)
    everything(bob)
    assert as_alice.delete("/account").status == 204
    assert [model.objects.count() for model in MODELS] == [1, 2, 1, 2, 1, 1]
    assert Conversation.objects.get().user_id == bob.id


def test_every_model_of_chat_is_exported_and_erased() -> None:
    assert set(MODELS) <= rights.covered_models()


def pruned(name: str) -> int:
    return dict(retention.prune())[name]


def test_visitors_who_stayed_away_take_their_conversations_along(visitor: Visitor, alice: User) -> None:
    turn = exchange(conversation(visitor))
    TurnEvent.objects.create(turn=turn, seq=0, event_type="agent.started")
    Feedback.objects.create(message=turn.reply, rating=1)
    everything(alice)
    Visitor.objects.update(expires_at=timezone.now() - timedelta(days=1))
    pruned("visitors who stayed away")
    assert [model.objects.count() for model in MODELS] == [1, 2, 1, 0, 1, 1]


def test_journals_go_an_hour_after_their_turn_ended(alice: User) -> None:
    old, recent, running = (exchange(conversation(alice)) for _ in range(3))
    for turn in (old, recent, running):
        TurnEvent.objects.create(turn=turn, seq=0, event_type="agent.started")
        TurnEvent.objects.create(turn=turn, seq=1, event_type="agent.token", body={"content": "a"})
    Turn.objects.filter(id=recent.id).update(ended_at=timezone.now() - timedelta(minutes=59))
    Turn.objects.filter(id=running.id).update(ended_at=None, status="running")
    assert pruned("journals of turns that ended") == 2
    assert set(TurnEvent.objects.values_list("turn_id", flat=True)) == {recent.id, running.id}


def test_long_journals_go_in_batches(alice: User) -> None:
    turn = exchange(conversation(alice))
    rows = (TurnEvent(turn=turn, seq=seq, event_type="agent.token") for seq in range(2_500))
    TurnEvent.objects.bulk_create(rows, batch_size=500)
    assert pruned("journals of turns that ended") == 2_500
