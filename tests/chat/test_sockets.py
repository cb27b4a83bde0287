"""The WebSocket's promises, on a real server with a real client: who is let in, what is survived, how it ends."""

import base64
import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.chat.clients import Caller, JsonCaller, Socket, new_caller, socket
from tests.chat.conftest import register
from tests.chat.test_turns import script, start_hanging, words
from tests.leaks import CANARY
from tests.live import LiveServer
from tests.services import Postgres, wait_until

StartScripted = Callable[..., LiveServer]


def encoded(token: str) -> str:
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def address(server: LiveServer, path: str = "/ws/chat") -> str:
    return server.url.replace("http", "ws", 1) + path


def ended(connection: Any) -> tuple[int, str]:
    """How the server closed: code and reason, whatever came before."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            connection.recv(timeout=20)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def series(server: LiveServer, name: str) -> float:
    lines = httpx.get(f"{server.url}/metrics", timeout=20).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


CARRIERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "Authorization": lambda token: {"additional_headers": {"Authorization": f"Bearer {token}"}},
    "the pair that browsers offer": lambda token: {"subprotocols": ["jwt-auth", f"jwt.{encoded(token)}"]},
    "jwt. alone": lambda token: {"subprotocols": [f"jwt.{encoded(token)}"]},
    "jwt-auth. raw": lambda token: {"subprotocols": [f"jwt-auth.{token}"]},
    "bearer. raw": lambda token: {"subprotocols": [f"bearer.{token}"]},
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("path", ["/ws", "/ws/chat", "/ws/agent", "/ws/chat/"])
def test_any_carrier_lets_a_visitor_in(visitor: Caller, chat_server: LiveServer, carrier: str, path: str) -> None:
    options = CARRIERS[carrier](visitor.token)
    offered = options.get("subprotocols", [])
    with connect(address(chat_server, path), **options) as connection:
        ready = json.loads(connection.recv(timeout=10))
        assert ready["type"] == "session.ready"
        assert ready["payload"]["principal"]["tier"] == "anonymous"
        assert ready["payload"]["heartbeat_seconds"] == 20
        assert connection.subprotocol == (offered[0] if offered else None)


def test_a_jwt_and_the_first_frame_work_too(chat_server: LiveServer) -> None:
    token = register(chat_server, "alice")
    with connect(address(chat_server)) as connection:
        Socket(connection).send("auth", {"token": token})
        ready = json.loads(connection.recv(timeout=10))
        assert ready["payload"]["principal"]["tier"] == "lightweight"


def test_a_query_token_works_where_it_may(visitor: Caller, chat_server: LiveServer) -> None:
    with connect(address(chat_server) + f"?session_token={visitor.token}") as connection:
        assert json.loads(connection.recv(timeout=10))["type"] == "session.ready"
    assert visitor.token not in chat_server.log()


def test_a_query_token_is_nothing_in_production(start_scripted: StartScripted) -> None:
    server = start_scripted(ENVIRONMENT="production", SECRET_KEY="k" * 50, WS_AUTH_TIMEOUT="1")
    visitor = new_caller(JsonCaller, server.url)
    with connect(address(server) + f"?session_token={visitor.token}") as connection:
        assert ended(connection) == (4408, "no_token")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a made-up token": ({"additional_headers": {"Authorization": "Bearer ckv_" + "x" * 43}}, "invalid_token"),
    "another scheme": ({"additional_headers": {"Authorization": "Basic abc"}}, "invalid_token"),
    "an unsigned JWT": ({"additional_headers": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}}, "invalid_token"),
    "a made-up subprotocol": ({"subprotocols": ["jwt.AAAA"]}, "invalid_token"),
    "two credentials": ({"subprotocols": ["jwt.AAAA", "bearer.BBBB"]}, "invalid_token"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_credential_is_accepted_told_and_closed(chat_server: LiveServer, case: str) -> None:
    options, code = WRONG[case]
    with connect(address(chat_server), **options) as connection:
        error = json.loads(connection.recv(timeout=10))
        assert (error["type"], error["error"], error["status_code"]) == ("error", code, 401)
        assert ended(connection) == (4401, code)


def test_a_protocol_that_nobody_offered_is_never_answered(chat_server: LiveServer, visitor: Caller) -> None:
    headers = {"Authorization": f"Bearer {visitor.token}"}
    with connect(address(chat_server), additional_headers=headers, subprotocols=[Subprotocol("chat.v9")]) as connection:
        assert connection.subprotocol is None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_another_origin_is_refused_before_the_handshake(chat_server: LiveServer, visitor: Caller, origin: str) -> None:
    headers = {"Authorization": f"Bearer {visitor.token}", "Origin": origin}
    with pytest.raises(InvalidStatus) as refusal, connect(address(chat_server), additional_headers=headers):
        pass
    assert refusal.value.response.status_code == 403


def test_a_listed_origin_and_the_servers_own_are_let_in(chat_server: LiveServer, visitor: Caller) -> None:
    for origin in ("http://localhost:3000", chat_server.url):
        headers = {"Authorization": f"Bearer {visitor.token}", "Origin": origin}
        with connect(address(chat_server), additional_headers=headers) as connection:
            assert json.loads(connection.recv(timeout=10))["type"] == "session.ready"


def test_who_never_authenticates_is_closed(start_scripted: StartScripted) -> None:
    server = start_scripted(WS_AUTH_TIMEOUT="1")
    with connect(address(server)) as connection:
        Socket(connection).send("ping", {})
        assert json.loads(connection.recv(timeout=10))["error"] == "no_token"
        assert ended(connection) == (4408, "no_token")
    wait_until(lambda: series(server, "chatkit_sockets_open") == 0, "the socket is forgotten")


def test_who_says_nothing_is_closed(start_scripted: StartScripted) -> None:
    server = start_scripted(WS_IDLE_TIMEOUT="1")
    with socket(server.url, new_caller(JsonCaller, server.url).token) as opened:
        assert ended(opened.connection) == (4408, "idle")


BAD_FRAMES: dict[str, tuple[Any, str]] = {
    "no JSON": ("nope", "invalid_json"),
    "nothing": ("", "invalid_json"),
    "a list": ("[]", "invalid_request"),
    "a number": ("1e999", "invalid_json"),
    "no type": ('{"payload": {}}', "invalid_request"),
    "a type that is a number": ('{"type": 1, "payload": {}}', "invalid_request"),
    "an unknown type": ('{"type": "dance", "payload": {}}', "invalid_request"),
    "no payload": ('{"type": "ping"}', "invalid_request"),
    "a payload that is a list": ('{"type": "ping", "payload": []}', "invalid_request"),
    "an id that is an object": ('{"type": "ping", "payload": {}, "id": {}}', "invalid_request"),
    "binary": (b"\x00\x01", "invalid_request"),
    "empty text": ('{"type": "agent.message", "payload": {"text": ""}}', "message_empty"),
    "no text": ('{"type": "agent.message", "payload": {}}', "invalid_request"),
    "text that is a number": ('{"type": "agent.message", "payload": {"text": 7}}', "invalid_request"),
    "too deep": ('{"type": "ping", "payload": ' + '{"a":' * 40 + "1" + "}" * 41, "invalid_request"),
    "deeper than any stack": ("[" * 60_000, "invalid_json"),
    "a huge number": ('{"type": "turn.resume", "payload": {"turn_id": "x", "after_seq": 1e308}}', "invalid_request"),
    "a lone surrogate": ('{"type": "\\ud800", "payload": {}}', "invalid_json"),
    "64 KiB and a bit": ('{"type": "ping", "payload": {"a": "' + "x" * 65_600 + '"}}', "payload_too_large"),
    "a turn that is not there": (
        json.dumps({"type": "turn.cancel", "payload": {"turn_id": str(uuid.uuid4())}}),
        "not_found",
    ),
    "a conversation that is not there": (
        json.dumps({"type": "conversation.join", "payload": {"conversation_id": str(uuid.uuid4())}}),
        "not_found",
    ),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
def test_a_bad_frame_is_answered_once_and_survived(visitor: Caller, case: str) -> None:
    frame, code = BAD_FRAMES[case]
    with socket(visitor.url, visitor.token) as opened:
        opened.connection.send(frame)
        error = opened.receive()
        assert (error["type"], error["error"]) == ("error", code)
        assert set(error) - {"id"} == {"type", "error", "message", "status_code", "detail", "request_id"}
        assert opened.request("ping", {})["type"] == "pong"


def test_duplicate_keys_and_unknown_fields_are_survived(visitor: Caller) -> None:
    with socket(visitor.url, visitor.token) as opened:
        opened.connection.send('{"type": "nope", "type": "ping", "payload": {"extra": 1}, "more": [], "id": "a"}')
        assert opened.receive()["type"] == "pong"


def test_a_frame_past_a_mebibyte_ends_the_connection(visitor: Caller) -> None:
    with socket(visitor.url, visitor.token) as opened:
        opened.connection.send("x" * (1024 * 1024 + 10))
        assert ended(opened.connection)[0] == 1009


def test_twenty_errors_in_a_minute_are_enough(visitor: Caller) -> None:
    with socket(visitor.url, visitor.token) as opened:
        for _ in range(20):
            opened.connection.send("nope")
        assert ended(opened.connection) == (4429, "invalid_request")


def test_a_thousand_frames_in_a_burst_are_all_answered_in_order(visitor: Caller) -> None:
    with socket(visitor.url, visitor.token) as opened:
        sender = threading.Thread(target=lambda: [opened.send("ping", {}, str(n)) for n in range(1000)])
        sender.start()
        assert [opened.receive()["id"] for _ in range(1000)] == [str(n) for n in range(1000)]
        sender.join()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(
    ["agent.message", "turn.cancel", "turn.resume", "conversation.join", "auth.refresh", "auth", "ping", "x"]
)
NAMES = st.sampled_from(["text", "conversation_id", "client_message_id", "context", "turn_id", "after_seq", "token"])
FRAMES = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60),
    JSON_VALUES.map(json.dumps),
    st.fixed_dictionaries(
        {"type": TYPES | JSON_VALUES, "payload": st.dictionaries(NAMES, JSON_VALUES, max_size=4) | JSON_VALUES}
    ).map(json.dumps),
)


@given(batch=st.lists(FRAMES, max_size=15))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_frame_breaks_a_connection(visitor: Caller, chat_server: LiveServer, batch: list[Any]) -> None:
    before = len(chat_server.log())
    with socket(visitor.url, visitor.token) as opened:
        try:
            for frame in batch:
                opened.connection.send(frame)
            opened.send("ping", {}, "last")
            while opened.receive().get("id") != "last":
                pass
        except ConnectionClosed as closed:
            # A second credential ends a connection by design; nothing else may.
            assert closed.rcvd is not None
            assert closed.rcvd.code in {4401, 4403}
    assert "Traceback" not in chat_server.log()[before:]


def test_a_broken_connection_leaves_nothing_behind(start_scripted: StartScripted) -> None:
    server = start_scripted()
    token = new_caller(JsonCaller, server.url).token
    for _ in range(20):
        with socket(server.url, token) as opened:
            opened.send("agent.message", {"text": script(tokens=50, pause=0.01)})
            opened.until("agent.token")
            opened.connection.socket.close()
    wait_until(lambda: series(server, "chatkit_sockets_open") == 0, "all sockets are forgotten")
    wait_until(lambda: series(server, "chatkit_turns_running") == 0, "all turns have ended")
    assert "Traceback" not in server.log()


def test_a_principal_may_hold_so_many_sockets(start_scripted: StartScripted) -> None:
    server = start_scripted(WS_MAX_PER_PRINCIPAL="2")
    token = new_caller(JsonCaller, server.url).token
    headers = {"Authorization": f"Bearer {token}"}
    with socket(server.url, token), socket(server.url, token):
        with connect(address(server), additional_headers=headers) as third:
            assert json.loads(third.recv(timeout=10))["error"] == "rate_limited"
            assert ended(third) == (4429, "rate_limited")
    with socket(server.url, token) as opened:
        assert opened.request("ping", {})["type"] == "pong"


def test_a_process_accepts_so_many_sockets(start_scripted: StartScripted) -> None:
    server = start_scripted(WS_MAX_CONNECTIONS="2")
    tokens = [new_caller(JsonCaller, server.url).token for _ in range(3)]
    with socket(server.url, tokens[0]), socket(server.url, tokens[1]):
        with connect(address(server), additional_headers={"Authorization": f"Bearer {tokens[2]}"}) as third:
            assert ended(third) == (4503, "server_at_capacity")


def test_logging_out_closes_the_sockets_within_a_second(chat_server: LiveServer) -> None:
    token = register(chat_server, "bob")
    with socket(chat_server.url, token) as opened:
        out = httpx.post(f"{chat_server.url}/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"}, json={})
        assert out.status_code == 204
        assert ended(opened.connection) == (4401, "token_revoked")


def test_logging_out_in_one_process_closes_the_sockets_of_another(
    start_scripted: StartScripted, postgres: Postgres, redis: str
) -> None:
    shared = {
        "DATABASE_URL": postgres.new_database(),
        "REDIS_URL": redis,
        "SECRET_KEY": f"{CANARY}-shared-by-two-servers-000",
    }
    first, second = start_scripted(**shared), start_scripted(**shared)
    token = register(first, "carol")
    with socket(second.url, token) as opened:
        httpx.post(f"{first.url}/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"}, json={})
        assert ended(opened.connection) == (4401, "token_revoked")


def test_a_credential_that_ends_is_announced_and_then_ends_the_socket(start_scripted: StartScripted) -> None:
    server = start_scripted(ACCESS_TOKEN_TTL="2", WS_EXPIRY_GRACE="1")
    with socket(server.url, register(server, "dave")) as opened:
        warning = opened.until("auth.expiring")["payload"]
        assert warning["expires_in"] <= 1
        assert ended(opened.connection) == (4401, "session_expired")


def test_a_credential_is_replaced_in_place(start_scripted: StartScripted) -> None:
    server = start_scripted(ACCESS_TOKEN_TTL="3", WS_EXPIRY_GRACE="0")
    email, password = "erin@example.com", f"{CANARY}-erin-Xy7"
    with httpx.Client(base_url=f"{server.url}/api/v1") as http:
        http.post("/auth/register", json={"email": email, "password": password, "name": "Erin"})
        pair = http.post("/auth/login", json={"email": email, "password": password}).json()
    with socket(server.url, pair["access_token"]) as opened:
        opened.until("auth.expiring")
        refreshed = opened.request("auth.refresh", {"refresh_token": pair["refresh_token"]})
        assert refreshed["type"] == "auth.refreshed"
        assert {"expires_at", "access_token", "refresh_token"} <= set(refreshed["payload"])
        # The announcement of the next expiry proves that the first one did not end the socket.
        opened.until("auth.expiring")
        assert opened.request("ping", {})["type"] == "pong"


def test_another_persons_credential_ends_the_socket(visitor: Caller) -> None:
    stranger = new_caller(JsonCaller, visitor.url)
    with socket(visitor.url, visitor.token) as opened:
        opened.send("auth.refresh", {"token": stranger.token})
        assert ended(opened.connection) == (4403, "invalid_token")


def test_a_second_credential_in_a_frame_is_refused(visitor: Caller) -> None:
    stranger = new_caller(JsonCaller, visitor.url)
    with socket(visitor.url, visitor.token) as opened:
        opened.send("auth", {"token": stranger.token})
        assert ended(opened.connection) == (4401, "invalid_token")


def test_a_stopping_server_says_come_back(start_scripted: StartScripted) -> None:
    server = start_scripted()
    token = new_caller(JsonCaller, server.url).token
    with socket(server.url, token) as first, socket(server.url, token) as second:
        assert server.stop() == 0
        assert {ended(opened.connection) for opened in (first, second)} == {(4012, "restarting")}


def test_what_other_tabs_ask_is_seen_by_those_who_joined(visitor: Caller) -> None:
    first = visitor.ask(script(tokens=1))
    with socket(visitor.url, visitor.token) as tab:
        joined = tab.request("conversation.join", {"conversation_id": first.conversation_id})
        assert joined["payload"] == {"conversation_id": first.conversation_id, "turn_id": None}
        other = visitor.ask(script(tokens=5), conversation_id=first.conversation_id)
        completed = tab.until("agent.completed")
    assert (completed["turn_id"], completed["data"]["answer"]) == (other.turn_id, words(5))


def test_joining_in_the_middle_tells_the_turn_from_its_start(visitor: Caller) -> None:
    conversation_id, turn_id = start_hanging(visitor)
    with socket(visitor.url, visitor.token) as tab:
        assert tab.request("conversation.join", {"conversation_id": conversation_id})["payload"]["turn_id"] == turn_id
        assert tab.until("runtime_event")["seq"] == 0
        tab.send("turn.cancel", {"turn_id": turn_id})
        assert tab.until("agent.cancelled")["data"]["answer"] == words(3)


def test_what_another_process_answers_is_seen_here(
    start_scripted: StartScripted, postgres: Postgres, redis: str
) -> None:
    shared = {
        "DATABASE_URL": postgres.new_database(),
        "REDIS_URL": redis,
        "SECRET_KEY": f"{CANARY}-shared-by-two-servers-000",
    }
    first, second = start_scripted(**shared), start_scripted(**shared)
    here = new_caller(JsonCaller, first.url)
    there = JsonCaller(second.url, here.token)
    conversation_id = here.ask(script(tokens=1)).conversation_id
    with socket(first.url, here.token) as tab:
        tab.request("conversation.join", {"conversation_id": conversation_id})
        answer = there.ask(script(tokens=20, pause=0.01), conversation_id=conversation_id)
        assert tab.until("agent.completed")["data"]["answer"] == answer.text == words(20)
    conversation_id, turn_id = start_hanging(there)
    assert here.http.post(f"/chat/turns/{turn_id}/cancel").status_code == 202
    with socket(first.url, here.token) as tab:
        tab.send("turn.resume", {"turn_id": turn_id, "after_seq": -1})
        assert tab.until("agent.cancelled")["data"]["answer"] == words(3)


def test_an_unread_answer_holds_little_memory(start_scripted: StartScripted) -> None:
    server = start_scripted()
    token = new_caller(JsonCaller, server.url).token
    assert server.process is not None
    before = resident_kib(server.process.pid)
    with connect(
        address(server), additional_headers={"Authorization": f"Bearer {token}"}, max_queue=1, compression=None
    ) as connection:
        for _ in range(6):
            Socket(connection).send("agent.message", {"text": script(tokens=30_000)})
        wait_until(lambda: series(server, "chatkit_turns_total") >= 6, "all turns have ended, read or unread")
        assert resident_kib(server.process.pid) - before < 64 * 1024
    wait_until(lambda: series(server, "chatkit_sockets_open") == 0, "the socket is forgotten")


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
