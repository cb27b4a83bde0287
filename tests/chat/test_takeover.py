"""Turns whose process died are closed once, whatever they had written."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import visitors
from apps.chat import takeover, turns
from apps.chat.events import Event, EventType
from apps.chat.models import Conversation, Message, Turn, TurnEvent

pytestmark = [pytest.mark.database, pytest.mark.django_db]
TOLD = [
    (EventType.STARTED, {}),
    (EventType.SOURCES, {"sources": [{"id": "1"}]}),
    (EventType.TOKEN, {"content": "half "}),
    (EventType.TOKEN, {"content": "a sentence"}),
]


def dead_turn(written: int) -> Turn:
    """One that stopped a minute ago after so many events."""
    owner = visitors.enter(anon_id=None, presented=None, user_agent="").visitor
    conversation = Conversation.objects.create(visitor=owner)
    question = Message.objects.create(conversation=conversation, role="user", content="Well?")
    reply = Message.objects.create(conversation=conversation, role="assistant", status="writing")
    ago = timezone.now() - timedelta(minutes=1)
    turn = Turn.objects.create(conversation=conversation, question=question, reply=reply, heartbeat_at=ago)
    for seq, (event_type, body) in enumerate(TOLD[:written]):
        TurnEvent.objects.create(turn=turn, seq=seq, event_type=event_type, body=body)
    return turn


@pytest.mark.parametrize("written", range(len(TOLD) + 1))
def test_a_dead_turn_is_closed_after_any_number_of_events(written: int) -> None:
    turn = dead_turn(written)
    takeover.close_dead()
    turn.refresh_from_db()
    assert (turn.status, turn.error, turn.last_seq) == ("failed", "runtime_unavailable", written)
    assert list(TurnEvent.objects.filter(turn=turn).values_list("seq", flat=True)) == list(range(written + 1))


def test_what_had_been_written_is_kept() -> None:
    turn = dead_turn(len(TOLD))
    takeover.close_dead()
    reply = Message.objects.get(id=turn.reply_id)
    assert (reply.status, reply.content, reply.sources) == ("failed", "half a sentence", [{"id": "1"}])


def test_of_two_who_notice_one_closes() -> None:
    turn = dead_turn(1)
    assert [takeover.close(turn), takeover.close(turn)] == [True, False]


def test_a_turn_that_lives_is_left_alone() -> None:
    turn = dead_turn(1)
    Turn.objects.update(heartbeat_at=timezone.now())
    takeover.close_if_dead(turn.id)
    turn.refresh_from_db()
    assert turn.status == "running"


def test_a_turn_that_ends_while_it_is_read_loses_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = dead_turn(0)
    Turn.objects.update(heartbeat_at=timezone.now())
    turn.refresh_from_db()
    look = takeover.remembered_end

    def end_meanwhile(turn_id: uuid.UUID, known: int) -> Iterator[Event]:
        for seq, (event_type, body) in enumerate(TOLD):
            TurnEvent.objects.create(turn=turn, seq=seq, event_type=event_type, body=body)
        takeover.close(turn)
        return look(turn_id, known)

    monkeypatch.setattr(takeover, "remembered_end", end_meanwhile)
    assert [event.seq for event in turns.recorded(turn.id, 0)] == [0, 1, 2, 3, 4]


def test_a_journal_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = dead_turn(len(TOLD))
    monkeypatch.setattr(turns, "PAGE", 2)
    pages = [[event.seq for event in turns.recorded(turn.id, known)] for known in (0, 2, 4, 5)]
    assert pages == [[0, 1], [2, 3], [4], []]
