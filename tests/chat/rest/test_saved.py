"""Chats that people keep."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.chat.models import SavedChat
from tests.accounts.conftest import Answer, Api
from tests.chat.rest.conftest import conversation, exchange, source

pytestmark = [pytest.mark.database, pytest.mark.django_db]
SAID = [{"role": "user", "content": " How?\n"}, {"role": "assistant", "content": "So <b>."}]


@pytest.fixture
def saved(as_alice: Api, no_limits: None) -> str:
    return str(as_alice.post("/chat/save", {"messages": SAID, "title": "Kept"}).body["chat_id"])


def refused_fields(answer: Answer) -> tuple[int, list[str]]:
    return answer.status, list((answer.body["detail"] or {}).get("fields", ()))


def test_messages_are_kept_as_they_were_sent(as_alice: Api, saved: str) -> None:
    body = as_alice.get(f"/chat/saved/{saved}").body
    assert (body["chat_id"], body["title"], body["messages"]) == (saved, "Kept", SAID)


def test_saving_answers_with_the_id_and_the_time(as_alice: Api) -> None:
    answer = as_alice.post("/chat/save", {"messages": SAID})
    assert (answer.status, set(answer.body)) == (200, {"chat_id", "saved_at"})
    assert isinstance(answer.body["chat_id"], str)


def test_a_conversation_is_copied_with_its_sources(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    exchange(own, sources=[source()])
    exchange(own, answer="", status="running")
    saved = as_alice.post("/chat/save", {"conversation_id": str(own.id)}).body["chat_id"]
    own.messages.update(content="Changed")
    body = as_alice.get(f"/chat/saved/{saved}").body
    assert (body["title"], body["conversation_id"]) == ("About widgets", str(own.id))
    assert body["messages"] == [
        {"role": "user", "content": "How?"},
        {"role": "assistant", "content": "So.", "sources": [source()]},
        {"role": "user", "content": "How?"},
    ]


def test_without_a_title_it_is_called_by_the_first_question(as_alice: Api) -> None:
    as_alice.post("/chat/save", {"messages": [SAID[1], {"role": "user", "content": "How\n\tdo I? " + "x" * 100}]})
    assert SavedChat.objects.get().title == ("How do I? " + "x" * 100)[:80]


def test_somebody_elses_conversation_cannot_be_saved(as_bob: Api, alice: User) -> None:
    answer = as_bob.post("/chat/save", {"conversation_id": str(conversation(alice).id)})
    assert (answer.status, answer.error) == (404, "not_found")


def test_an_empty_conversation_cannot_be_saved(as_alice: Api, alice: User) -> None:
    answer = as_alice.post("/chat/save", {"conversation_id": str(conversation(alice).id)})
    assert refused_fields(answer) == (422, ["conversation_id"])


@pytest.mark.parametrize("path", ["/chat/saved", f"/chat/saved/{UUID(int=1)}"])
def test_a_visitor_has_to_sign_in_first(as_visitor: Api, path: str) -> None:
    assert as_visitor.get(path).error == "permission_denied"
    answer = as_visitor.post("/chat/save", {"messages": SAID})
    assert (answer.status, answer.error) == (403, "permission_denied")


def test_the_list_has_the_newest_first_without_messages(as_alice: Api, as_bob: Api, no_limits: None) -> None:
    for title in ("First", "Second"):
        as_alice.post("/chat/save", {"messages": SAID, "title": title})
    rows = as_alice.get("/chat/saved").body["results"]
    assert [row["title"] for row in rows] == ["Second", "First"]
    assert set(rows[0]) == {"chat_id", "saved_at", "title", "conversation_id"}
    assert as_bob.get("/chat/saved").body["results"] == []


def test_the_list_costs_one_query_and_reads_no_message(as_alice: Api, saved: str) -> None:
    as_alice.post("/chat/save", {"messages": SAID})
    with CaptureQueriesContext(connection) as queries:
        as_alice.get("/chat/saved")
    assert len(queries) == 1
    assert '"messages"' not in queries[0]["sql"]


def test_a_saved_chat_can_be_deleted_once_and_by_its_owner(as_alice: Api, as_bob: Api, saved: str) -> None:
    calls = [as_bob, as_alice, as_alice]
    assert [api.delete(f"/chat/saved/{saved}").status for api in calls] == [404, 204, 404]


@pytest.mark.parametrize("asked", ["x", "7", str(UUID(int=0)), "%00", "a" * 3000])
def test_what_is_unknown_or_no_id_does_not_exist(as_alice: Api, asked: str) -> None:
    assert as_alice.get(f"/chat/saved/{asked}").error == "not_found"
    assert as_alice.delete(f"/chat/saved/{asked}").error == "not_found"


def test_somebody_elses_saved_chat_does_not_exist(as_bob: Api, saved: str) -> None:
    assert as_bob.get(f"/chat/saved/{saved}").error == "not_found"


def test_the_sixth_in_a_minute_is_refused_and_says_when(as_alice: Api) -> None:
    answers = [as_alice.post("/chat/save", {"messages": SAID}) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"save_chat";q=5;w=60'
    assert answers[0].headers["RateLimit"].startswith('"save_chat";r=4;t=')
    assert answers[5].error == "rate_limited"
    assert SavedChat.objects.count() == 5


def test_what_is_refused_does_not_count(as_alice: Api) -> None:
    for _ in range(6):
        as_alice.post("/chat/save", {"messages": []})
    assert as_alice.post("/chat/save", {"messages": SAID}).status == 200


def test_the_same_chat_saved_twice_is_two_copies(as_alice: Api, saved: str) -> None:
    assert as_alice.post("/chat/save", {"messages": SAID, "title": "Kept"}).body["chat_id"] != saved


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "messages"),
        ({"messages": None, "conversation_id": None}, "messages"),
        ({"messages": SAID, "conversation_id": str(UUID(int=1))}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": SAID * 251}, "messages"),
        ({"messages": {"role": "user", "content": "a"}}, "messages"),
        ({"messages": "a"}, "messages"),
        ({"messages": 7}, "messages"),
        ({"messages": [7]}, "messages[0]"),
        ({"messages": [None]}, "messages[0]"),
        ({"messages": [["user", "a"]]}, "messages[0]"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"content": "a"}]}, "messages[0].role"),
        ({"messages": [SAID[0], {"role": "system", "content": "a"}]}, "messages[1].role"),
        ({"messages": [{"role": ["user"], "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "a\0b"}]}, "messages[0].content"),
        ({"conversation_id": 7}, "conversation_id"),
        ({"conversation_id": "x"}, "conversation_id"),
        ({"conversation_id": ["x"]}, "conversation_id"),
        ({"messages": SAID, "title": 7}, "title"),
        ({"messages": SAID, "title": "a\0"}, "title"),
        ({"messages": SAID, "title": "x" * 201}, "title"),
        ({"messages": SAID, "title": {}}, "title"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_wrong_is_named(as_alice: Api, no_limits: None, body: dict[str, Any], field: str) -> None:
    answer = as_alice.post("/chat/save", body)
    assert refused_fields(answer)[0] == 422
    assert [name.replace(".0", "[0]").replace(".1", "[1]") for name in refused_fields(answer)[1]] == [field]
    assert not SavedChat.objects.exists()


def test_five_hundred_messages_fit(as_alice: Api) -> None:
    assert as_alice.post("/chat/save", {"messages": SAID * 250}).status == 200


def test_a_mebibyte_fits_and_a_byte_more_does_not(as_alice: Api) -> None:
    half = "ü" * (256 * 1024)
    fits = [{"role": "user", "content": half}] * 2
    assert as_alice.post("/chat/save", {"messages": fits}).status == 200
    answer = as_alice.post("/chat/save", {"messages": [*fits, {"role": "user", "content": "a"}]})
    assert (answer.status, answer.error) == (413, "payload_too_large")


def test_a_body_of_more_than_two_mebibytes_is_not_read(as_alice: Api) -> None:
    answer = as_alice.post("/chat/save", {"messages": [{"role": "user", "content": "a" * 2_200_000}]})
    assert (answer.status, answer.error) == (413, "payload_too_large")


def test_a_hundred_thousand_wrong_messages_make_one_error(as_alice: Api) -> None:
    answer = as_alice.post("/chat/save", {"messages": [7] * 100_000})
    assert len(str(answer.body)) < 1000


def test_a_conversation_of_more_than_five_hundred_messages_is_too_large(as_alice: Api, alice: User) -> None:
    own = conversation(alice)
    turn = exchange(own)
    type(turn.question).objects.bulk_create(
        type(turn.question)(conversation=own, role="user", content="More") for _ in range(500)
    )
    assert as_alice.post("/chat/save", {"conversation_id": str(own.id)}).status == 413
