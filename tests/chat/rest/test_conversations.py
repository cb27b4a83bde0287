"""Conversations over REST: one's own in pages, renamed and deleted; nobody else's exist."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.accounts.visitors import Entered
from apps.chat.models import Conversation, Feedback, Message, SavedChat, Turn, TurnEvent
from tests.accounts.conftest import Api
from tests.chat.rest.conftest import conversation, exchange, source

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def path_of(address: str) -> str:
    """A link of a page, as the next call needs it."""
    return address.partition("/api/v1")[2]


def walk(api: Api, path: str) -> list[str]:
    ids: list[str] = []
    following: str | None = path
    while following:
        page = api.get(following).body
        ids += [row["id"] for row in page["results"]]
        following = path_of(page["next"]) if page["next"] else None
    return ids


def test_the_list_has_the_conversation_used_last_first(as_alice: Api, alice: User) -> None:
    for minutes in (1, 3, 2):
        conversation(alice, f"{minutes} past", minutes=minutes)
    body = as_alice.get("/conversations").body
    assert [row["title"] for row in body["results"]] == ["3 past", "2 past", "1 past"]
    assert (body["next"], body["previous"]) == (None, None)


def test_a_conversation_is_its_id_title_and_times(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    assert as_alice.get(f"/conversations/{own.id}").body == {
        "id": str(own.id),
        "title": "About widgets",
        "created_at": "2026-03-01T12:00:00.000000Z",
        "updated_at": "2026-03-01T12:00:00.000000Z",
    }


def test_the_pages_of_the_list_hold_everything_once(as_alice: Api, alice: User) -> None:
    made = [str(conversation(alice, minutes=minutes // 3).id) for minutes in range(17)]
    found = walk(as_alice, "/conversations?page_size=4")
    assert (len(found), set(found)) == (17, set(made))


def test_a_page_leads_back_to_the_one_before(as_alice: Api, alice: User) -> None:
    for minutes in range(4):
        conversation(alice, minutes=minutes)
    first = as_alice.get("/conversations?page_size=2").body
    second = as_alice.get(path_of(first["next"])).body
    assert as_alice.get(path_of(second["previous"])).body["results"] == first["results"]


@pytest.mark.parametrize("path", ["/conversations", "/conversations?page_size=200"])
def test_the_list_costs_one_query_however_long_it_is(as_alice: Api, alice: User, path: str) -> None:
    as_alice.get(path)
    for minutes in range(20):
        conversation(alice, minutes=minutes)
    with CaptureQueriesContext(connection) as queries:
        as_alice.get(path)
    assert len(queries) == 1


def test_messages_cost_two_queries_however_many_there_are(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    for _ in range(10):
        Feedback.objects.create(message=exchange(own, sources=[source()]).reply, rating=1)
    as_alice.get("/conversations")
    with CaptureQueriesContext(connection) as queries:
        assert len(as_alice.get(f"/conversations/{own.id}/messages").body["results"]) == 20
    assert len(queries) == 2


def test_messages_come_oldest_first_with_all_that_is_known_of_them(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    turn = exchange(own, "How?", "So. [1]", sources=[source()], metadata={"model": "local"})
    Feedback.objects.create(message=turn.reply, rating=-1)
    asked, answered = as_alice.get(f"/conversations/{own.id}/messages").body["results"]
    assert (asked["role"], asked["content"], asked["turn_id"]) == ("user", "How?", None)
    assert (answered["role"], answered["turn_id"], answered["rating"]) == ("assistant", str(turn.id), -1)
    assert (answered["sources"], answered["metadata"]) == ([source()], {"model": "local"})


def test_pages_of_messages_hold_everything_once_and_in_order(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    for number in range(6):
        exchange(own, f"Question {number}")
    said = [str(key) for key in own.messages.values_list("id", flat=True)]
    assert walk(as_alice, f"/conversations/{own.id}/messages?page_size=5") == said


def test_an_answer_that_is_being_written_names_the_turn_to_follow(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    turn = exchange(own, answer="", status="running")
    answered = as_alice.get(f"/conversations/{own.id}/messages").body["results"][-1]
    assert (answered["status"], answered["turn_id"]) == ("writing", str(turn.id))


def test_a_visitor_has_conversations_too(as_visitor: Api, entered: Entered) -> None:
    own = conversation(entered.visitor)
    assert [row["id"] for row in as_visitor.get("/conversations").body["results"]] == [str(own.id)]


@pytest.mark.parametrize("suffix", ["", "/messages", "/export"])
def test_what_belongs_to_somebody_else_does_not_exist(as_bob: Api, as_visitor: Api, alice: User, suffix: str) -> None:
    path = f"/conversations/{conversation(alice).id}{suffix}"
    assert {(caller.get(path).status, caller.get(path).error) for caller in (as_bob, as_visitor)} == {
        (404, "not_found")
    }


@pytest.mark.parametrize("asked", [str(UUID(int=0)), "7", "x", "%00", "a" * 5000, "..", "null", "'"])
@pytest.mark.parametrize("suffix", ["", "/messages", "/export"])
def test_what_is_unknown_or_no_id_does_not_exist(as_alice: Api, asked: str, suffix: str) -> None:
    answer = as_alice.get(f"/conversations/{asked}{suffix}")
    assert (answer.status, answer.error) == (404, "not_found")


def test_nobody_elses_conversation_can_be_changed_or_deleted(as_bob: Api, alice: User) -> None:
    own = conversation(alice)
    assert as_bob.call("PATCH", f"/conversations/{own.id}", {"title": "Mine"}).status == 404
    assert as_bob.delete(f"/conversations/{own.id}").status == 404
    own.refresh_from_db()
    assert own.title == "About widgets"


@pytest.mark.parametrize("path", ["/conversations", f"/conversations/{UUID(int=1)}"])
def test_without_a_credential_there_is_nothing_to_see(api: Api, path: str) -> None:
    assert api.get(path).error == "no_token"


def test_nothing_of_it_may_be_kept_on_the_way(as_alice: Api) -> None:
    assert as_alice.get("/conversations").headers["Cache-Control"] == "no-store"


def test_a_new_title_is_trimmed_and_leaves_the_order_alone(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    answer = as_alice.call("PATCH", f"/conversations/{own.id}", {"title": "  Prices <b>2026</b> \n"})
    assert (answer.status, answer.body["title"]) == (200, "Prices <b>2026</b>")
    assert answer.body["updated_at"] == "2026-03-01T12:00:00.000000Z"


@pytest.mark.parametrize(
    "title",
    ["", "  ", "\n", "a\0b", "a\nb", "a\x1bb", "a\u202eb", "\u200b", "x" * 201, 7, True, None, ["a"], {"a": 1}],
    ids=repr,
)
def test_a_title_that_is_none_names_its_field(as_alice: Api, alice: User, title: object) -> None:
    own = conversation(alice)
    answer = as_alice.call("PATCH", f"/conversations/{own.id}", {"title": title})
    assert (answer.status, list(answer.body["detail"]["fields"])) == (422, ["title"])
    own.refresh_from_db()
    assert own.title == "About widgets"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"7", b"null", b'"title"'])
def test_a_change_without_a_title_is_refused(as_alice: Api, alice: User, body: bytes) -> None:
    assert as_alice.call("PATCH", f"/conversations/{conversation(alice).id}", body).status == 422


def test_a_title_of_two_hundred_characters_fits(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    assert as_alice.call("PATCH", f"/conversations/{own.id}", {"title": "ü" * 200}).body["title"] == "ü" * 200


def test_a_deleted_conversation_leaves_nothing_but_saved_copies(as_alice: Api, alice: User) -> None:
    own, other = conversation(alice), conversation(alice)
    turn = exchange(own, sources=[source()])
    exchange(other)
    Feedback.objects.create(message=turn.reply, rating=1)
    TurnEvent.objects.create(turn=turn, seq=0, event_type="agent.started")
    saved = SavedChat.objects.create(user=alice, conversation=own, title="Kept", messages=[])
    assert as_alice.delete(f"/conversations/{own.id}").status == 204
    counts = [model.objects.count() for model in (Conversation, Message, Turn, TurnEvent, Feedback)]
    assert counts == [1, 2, 1, 0, 0]
    saved.refresh_from_db()
    assert saved.conversation_id is None


def test_a_conversation_deleted_twice_is_gone_the_second_time(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    assert [as_alice.delete(f"/conversations/{own.id}").status for _ in range(2)] == [204, 404]


def test_a_conversation_is_not_deleted_under_a_running_turn(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    exchange(own, status="running")
    answer = as_alice.delete(f"/conversations/{own.id}")
    assert (answer.status, answer.error) == (409, "turn_in_progress")
    assert own.messages.count() == 2


def test_a_turn_whose_process_died_does_not_keep_a_conversation(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    exchange(own, status="running")
    Turn.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    assert as_alice.delete(f"/conversations/{own.id}").status == 204


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cursor", "x"),
        ("cursor", "cD14"),  # p=x
        ("cursor", "cD0yMDI2LTAxLTAxVDAwOjAwOjAw"),  # a time without a zone
        ("cursor", "cD0wMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjAw"),  # the first year, in a zone that puts it before
        ("page_size", "0"),
        ("page_size", "-1"),
        ("page_size", "201"),
        ("page_size", "many"),
        ("page_size", "9" * 400),
        ("page_size", "²"),
        ("page_size", ""),
    ],
)
def test_a_page_that_is_none_names_the_parameter(as_alice: Api, name: str, value: str) -> None:
    answer = as_alice.get(f"/conversations?{name}={value}")
    assert (answer.status, list(answer.body["detail"]["fields"])) == (422, [name])


@search(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=st.text(max_size=210))
def test_a_title_is_kept_as_it_was_written_or_refused(as_alice: Api, alice: User, title: str) -> None:
    own = conversation(alice, str(uuid4()))
    try:
        answer = as_alice.call("PATCH", f"/conversations/{own.id}", {"title": title})
    except UnicodeEncodeError:
        return
    assert answer.status == 422 or answer.body["title"] == title.strip()
