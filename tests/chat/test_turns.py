"""Every turn, over every transport: one story, told three ways."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.chat.clients import Caller, JsonCaller, Refused, SseCaller, new_caller, server_events, socket, told
from tests.chat.conftest import register
from tests.live import LiveServer
from tests.services import wait_until

pytestmark = pytest.mark.database


def script(**steps: Any) -> str:
    return json.dumps(steps)


def words(count: int) -> str:
    return "".join(f"{number} " for number in range(count))


def messages(caller: Caller, conversation_id: str) -> list[dict[str, Any]]:
    """The history as its owner sees it, all pages of it."""
    found: list[dict[str, Any]] = []
    page = caller.http.get(f"/conversations/{conversation_id}/messages", params={"page_size": 200}).json()
    found.extend(page["results"])
    return found


def test_an_answer_arrives_whole(caller: Caller) -> None:
    answer = caller.ask(script(tokens=20))
    assert (answer.text, answer.status) == (words(20), "completed")
    assert answer.metadata is not None
    assert answer.metadata["tokens_used"] == 20
    assert answer.metadata["model"] == "scripted"


def test_how_long_turns_take_is_measured(visitor: Caller) -> None:
    visitor.ask(script(tokens=2))
    counted = visitor.http.get(f"{visitor.url}/metrics").text
    for name in ("chatkit_turn_seconds_count", "chatkit_first_token_seconds_count"):
        assert float(next(line for line in counted.splitlines() if line.startswith(name)).split()[1]) >= 1


def test_a_conversation_goes_on(caller: Caller) -> None:
    first = caller.ask(script(tokens=1))
    second = caller.ask(script(tokens=2), conversation_id=first.conversation_id)
    assert second.conversation_id == first.conversation_id
    assert second.turn_id != first.turn_id


def test_the_same_message_twice_is_one_turn(caller: Caller) -> None:
    name = str(uuid.uuid4())
    first = caller.ask(script(tokens=2), client_message_id=name)
    again = caller.ask(script(tokens=2), client_message_id=name, conversation_id=first.conversation_id)
    assert (again.turn_id, again.text) == (first.turn_id, first.text)


def test_the_same_first_message_twice_is_one_conversation(caller: Caller) -> None:
    name = str(uuid.uuid4())
    first, again = (caller.ask(script(tokens=2), client_message_id=name) for _ in range(2))
    assert (again.conversation_id, again.turn_id) == (first.conversation_id, first.turn_id)


def test_the_same_message_at_the_same_time_is_one_turn(caller: Caller) -> None:
    name = str(uuid.uuid4())
    ask = lambda _: caller.ask(script(tokens=3, pause=0.02), client_message_id=name)  # noqa: E731
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len({answer.turn_id for answer in answers}) == 1
    assert {answer.text for answer in answers} == {words(3)}


REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "empty": ({"text": ""}, 422, "message_empty"),
    "blank": ({"text": " \n\t "}, 422, "message_empty"),
    "too long": ({"text": "x" * 8_001}, 422, "message_too_long"),
    "null": ({"text": None}, 422, "invalid_request"),
    "a number": ({"text": 7}, 422, "invalid_request"),
    "a list": ({"text": ["a"]}, 422, "invalid_request"),
    "NUL": ({"text": "a\x00b"}, 422, "invalid_request"),
    "a conversation that is no UUID": ({"text": "hi", "conversation_id": "x"}, 422, "invalid_request"),
    "an unknown conversation": ({"text": "hi", "conversation_id": str(uuid.uuid4())}, 404, "not_found"),
    "a message id that is no UUID": ({"text": "hi", "client_message_id": 1}, 422, "invalid_request"),
    "an unknown mode": ({"text": "hi", "context": {"mode": "fly"}}, 422, "invalid_request"),
    "a context that is a list": ({"text": "hi", "context": [1]}, 422, "invalid_request"),
    "chat without a selection": ({"text": "hi", "context": {"mode": "chat"}}, 422, "invalid_request"),
    "too much selected": (
        {"text": "hi", "context": {"mode": "chat", "selected_text": "x" * 5_001}},
        422,
        "selected_text_too_long",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_asked_is_refused_by_name(caller: Caller, case: str) -> None:
    fields, status, code = REFUSALS[case]
    fields = dict(fields)
    with pytest.raises(Refused) as refusal:
        caller.ask(fields.pop("text"), **fields)
    assert (refusal.value.status, refusal.value.code) == (status, code)


def test_the_longest_message_is_accepted(caller: Caller) -> None:
    assert caller.ask("ä" * 8_000).status == "completed"


def test_somebody_elses_conversation_does_not_exist(caller: Caller, visitor: Caller) -> None:
    theirs = visitor.ask(script(tokens=1))
    with pytest.raises(Refused) as refusal:
        caller.ask("hello", conversation_id=theirs.conversation_id)
    assert refusal.value.code == "not_found"


def start_hanging(caller: Caller, tokens: int = 3) -> tuple[str, str]:
    """A turn that has said something and will say no more by itself."""
    with socket(caller.url, caller.token) as opened:
        accepted = opened.request("agent.message", {"text": script(tokens=tokens, end="hang")})["payload"]
        said = ""
        while said != words(tokens):
            said += opened.until("agent.token")["data"]["content"]
    return accepted["conversation_id"], accepted["turn_id"]


def test_a_second_question_waits_for_the_first_answer(caller: Caller) -> None:
    conversation_id, turn_id = start_hanging(caller)
    with pytest.raises(Refused) as refusal:
        caller.ask("and now?", conversation_id=conversation_id)
    assert (refusal.value.status, refusal.value.code) == (409, "turn_in_progress")
    caller.http.post(f"/chat/turns/{turn_id}/cancel")


def test_a_failure_is_told_in_a_sentence_and_not_in_its_own_words(caller: Caller) -> None:
    with pytest.raises(Refused) as failure:
        caller.ask(script(tokens=2, end="fail"))
    assert failure.value.code == "internal_error"
    assert "no visitor may read" not in json.dumps(failure.value.body)


def test_a_cancelled_turn_keeps_what_was_written(visitor: Caller) -> None:
    conversation_id, turn_id = start_hanging(visitor)
    follower = SseCaller(visitor.url, visitor.token)
    assert visitor.http.post(f"/chat/turns/{turn_id}/cancel").status_code == 202
    with follower.http.stream("GET", f"/chat/turns/{turn_id}/events") as response:
        answer = told(server_events(response))
    assert (answer.text, answer.status) == (words(3), "cancelled")
    assert visitor.http.post(f"/chat/turns/{turn_id}/cancel").status_code == 202
    assert visitor.ask(script(tokens=1), conversation_id=conversation_id).status == "completed"


def test_a_turn_is_resumed_from_any_event(visitor: Caller) -> None:
    turn = visitor.ask(script(tokens=12, pause=0.003))
    url = f"/chat/turns/{turn.turn_id}/events"
    whole = list(server_events(visitor.http.get(url)))
    assert [event.seq for event in whole] == list(range(whole[0].seq, whole[-1].seq + 1))
    for event in whole:
        resumed = visitor.http.get(url, headers={"Last-Event-ID": event.id})
        assert list(server_events(resumed)) == [later for later in whole if later.seq > event.seq]
        assert (
            list(server_events(visitor.http.get(url, params={"after": event.seq}))) == whole[whole.index(event) + 1 :]
        )


def test_a_turn_of_many_events_is_resumed_whole(visitor: Caller) -> None:
    turn = visitor.ask(script(tokens=200, pause=0.003))
    events = list(server_events(visitor.http.get(f"/chat/turns/{turn.turn_id}/events")))
    assert len(events) > 50, "more than are read at once"
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert told(iter(events)).text == words(200)


@pytest.mark.parametrize("after", ["x", "-2", "1.5", "9" * 30])
def test_a_nonsensical_place_to_resume_from_is_refused(visitor: Caller, after: str) -> None:
    turn = visitor.ask(script(tokens=1))
    answer = visitor.http.get(f"/chat/turns/{turn.turn_id}/events", params={"after": after})
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request")


def test_somebody_elses_turn_does_not_exist(visitor: Caller) -> None:
    turn = visitor.ask(script(tokens=1))
    stranger = new_caller(JsonCaller, visitor.url)
    for path in (f"/chat/turns/{turn.turn_id}/events", f"/chat/turns/{uuid.uuid4()}/events", "/chat/turns/x/events"):
        assert stranger.http.get(path).status_code == 404
    assert stranger.http.post(f"/chat/turns/{turn.turn_id}/cancel").status_code == 404
    assert stranger.http.post(f"/messages/{turn.message_id}/retry").status_code == 404


def test_leaving_does_not_stop_the_answer(visitor: Caller, chat_server: LiveServer) -> None:
    with visitor.http.stream("POST", "/chat/stream", json={"message": script(tokens=30, pause=0.01)}) as response:
        first = next(server_events(response))
    turn_id = first.id.partition(":")[0]
    whole = told(server_events(visitor.http.get(f"/chat/turns/{turn_id}/events")))
    assert (whole.text, whole.status) == (words(30), "completed")


def test_many_follow_one_turn_and_all_are_told_the_same(visitor: Caller) -> None:
    with visitor.http.stream("POST", "/chat/stream", json={"message": script(tokens=40, pause=0.005)}) as response:
        events = server_events(response)
        turn_id = next(events).id.partition(":")[0]
        follow = lambda _: told(server_events(visitor.http.get(f"/chat/turns/{turn_id}/events")))  # noqa: E731
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(follow, range(6)))
    assert {answer.text for answer in answers} == {words(40)}


def test_a_failed_answer_can_be_tried_again(visitor: Caller) -> None:
    with pytest.raises(Refused) as failure:
        visitor.ask(script(tokens=1, end="fail"))
    turn_id = failure.value.detail["turn_id"]
    with visitor.http.stream("GET", f"/chat/turns/{turn_id}/events") as response:
        *_, end = server_events(response)
    again = visitor.http.post(f"/messages/{end.body['detail']['message_id']}/retry")
    assert again.json()["error"] == "internal_error"


def test_a_retry_may_be_streamed(visitor: Caller) -> None:
    first = visitor.ask(script(tokens=4))
    with visitor.http.stream(
        "POST", f"/messages/{first.message_id}/retry", headers={"Accept": "text/event-stream"}
    ) as response:
        again = told(server_events(response))
    assert (again.text, again.conversation_id) == (words(4), first.conversation_id)
    assert again.message_id != first.message_id


def test_limits_hold_over_every_transport(start_scripted: Any) -> None:
    server = start_scripted(RATE_LIMITS__CHAT_ANONYMOUS="3/60")
    visitor = new_caller(JsonCaller, server.url)
    remaining = [visitor.http.post("/chat", json={"message": "hello"}).headers["RateLimit"] for _ in range(3)]
    assert [value.split(";")[1] for value in remaining] == ["r=2", "r=1", "r=0"]
    for kind in (JsonCaller, SseCaller):
        refused = kind(visitor.url, visitor.token)
        with pytest.raises(Refused) as refusal:
            refused.ask("once more")
        assert (refusal.value.status, refusal.value.code) == (429, "rate_limited")
        assert refusal.value.detail["limit"] == 3
    with socket(visitor.url, visitor.token) as opened:
        error = opened.request("agent.message", {"text": "once more"})
    assert (error["error"], error["detail"]["retry_after"] > 0) == ("rate_limited", True)


def test_parallel_questions_never_pass_the_limit(start_scripted: Any) -> None:
    server = start_scripted(RATE_LIMITS__CHAT_ANONYMOUS="5/60")
    visitor = new_caller(JsonCaller, server.url)
    post = lambda _: visitor.http.post("/chat", json={"message": script(tokens=1)}).status_code  # noqa: E731
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(post, range(32)))
    assert (statuses.count(200), statuses.count(429)) == (5, 27)


def test_no_credential_is_refused(chat_server: LiveServer) -> None:

    for path in ("/chat", "/chat/stream"):
        answer = httpx.post(f"{chat_server.url}/api/v1{path}", json={"message": "hello"})
        assert (answer.status_code, answer.json()["error"]) == (401, "no_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_turn_ends_in_order_when_the_server_stops(start_scripted: Any) -> None:
    server = start_scripted()
    caller = new_caller(JsonCaller, server.url)
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(caller.ask(script(tokens=40, pause=0.02)).text))
    asking.start()
    wait_until(lambda: "chatkit_turns_running 1.0" in caller.http.get(f"{server.url}/metrics").text, "the turn runs")
    assert server.stop() == 0
    asking.join(30)
    assert answers == [words(40)]


def test_what_is_asked_while_signing_in_comes_along(chat_server: LiveServer) -> None:
    """Either the question is accepted before the visitor moves, and moves too, or it is refused."""
    visitor, token = new_caller(JsonCaller, chat_server.url), register(chat_server, "frank")
    person = JsonCaller(chat_server.url, token)
    anon_id = visitor.http.get("/auth/me").json()["anon_id"]
    answers: list[int] = []

    def ask(number: int) -> None:
        if number == 4:
            move = {"anon_id": anon_id, "visitor_token": visitor.token}
            assert person.http.post("/auth/migrate-session", json=move).status_code == 200
        else:
            answers.append(visitor.http.post("/chat", json={"message": script(tokens=1)}).status_code)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(16)))
    assert set(answers) <= {200, 401}
    assert len(person.http.get("/conversations").json()["results"]) == answers.count(200)


def test_many_questions_at_once_in_one_conversation_are_answered_one_at_a_time(visitor: Caller) -> None:
    conversation_id = visitor.ask(script(tokens=1)).conversation_id
    body = {"message": script(tokens=3, pause=0.05), "conversation_id": conversation_id}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: visitor.http.post("/chat", json=body), range(12)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 409}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 409} == {"turn_in_progress"}
    questions = [message for message in messages(visitor, conversation_id) if message["role"] == "user"]
    assert len(questions) == 1 + statuses.count(200)
