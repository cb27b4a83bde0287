"""What happens when two want the same conversation at the same time."""

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.chat.models import Conversation, Turn
from tests.accounts.conftest import Api
from tests.chat.rest.conftest import conversation, exchange

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def test_a_turn_that_begins_during_the_deletion_keeps_its_conversation(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    turn = exchange(own)
    as_alice.get("/conversations")
    statuses: list[int] = []

    def delete() -> None:
        statuses.append(Api(as_alice.token).delete(f"/conversations/{own.id}").status)
        connection.close()

    with transaction.atomic():
        # As a new turn does: it touches the conversation, then it is there.
        Conversation.objects.filter(id=own.id).update(updated_at=timezone.now())
        Turn.objects.filter(id=turn.id).update(status="running", ended_at=None)
        deletion = threading.Thread(target=delete)
        deletion.start()
        deletion.join(0.5)
        assert deletion.is_alive()
    deletion.join()
    assert statuses == [409]
    assert own.messages.count() == 2


def test_of_many_who_delete_it_at_the_same_time_one_does(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    exchange(own)
    statuses: list[int] = []

    def delete() -> None:
        statuses.append(Api(as_alice.token).delete(f"/conversations/{own.id}").status)
        connection.close()

    threads = [threading.Thread(target=delete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204, 404, 404, 404, 404, 404]


def test_no_more_are_saved_at_the_same_time_than_the_limit_allows(as_alice: Api) -> None:
    statuses: list[int] = []

    def save() -> None:
        said = [{"role": "user", "content": "How?"}]
        statuses.append(Api(as_alice.token).post("/chat/save", {"messages": said}).status)
        connection.close()

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 5 + [429] * 3
