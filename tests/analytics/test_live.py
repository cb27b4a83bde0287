"""A real server: what it notices on its own, what it keeps when things go wrong, and what test mode promises."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from apps.analytics.models import Event
from tests.live import LiveServer
from tests.services import Postgres, wait_until

pytestmark = pytest.mark.database
START = Callable[..., LiveServer]
LOADED = {"event_type": "widget_loaded", "event_data": {"locale": "en"}}


@pytest.fixture
def server(start_server: START, database_url: str) -> LiveServer:
    return start_server(DATABASE_URL=database_url)


def enter(server: LiveServer) -> httpx.Client:
    """A new visitor."""
    client = httpx.Client(base_url=f"{server.url}/api/v1", timeout=30)
    entered = client.post("/auth/visitor", json={}).json()
    client.headers["Authorization"] = f"Bearer {entered['visitor_token']}"
    client.headers["X-Anon"] = entered["anon_id"]
    return client


def kept(event_type: str) -> list[Event]:
    """What the server left without being waited for arrives soon."""
    wait_until(Event.objects.filter(event_type=event_type).exists, f"{event_type} is recorded")
    return list(Event.objects.filter(event_type=event_type).order_by("created_at"))


def test_a_question_is_noticed_with_its_end(server: LiveServer) -> None:
    visitor, request_id = enter(server), str(uuid4())
    answer = visitor.post("/chat", json={"message": "How do I set a limit?"}, headers={"X-Request-ID": request_id})
    (event,) = Event.objects.filter(event_type="chat_message")
    assert event.visitor_id == UUID(visitor.headers["X-Anon"])
    assert str(event.request_id) == request_id
    said = event.event_data
    assert (said["turn_id"], said["outcome"]) == (answer.json()["turn_id"], "completed")
    assert said["sources"] == len(answer.json()["sources"])
    assert "limit?" not in str(said)


def test_a_limit_is_noticed_with_the_request_that_met_it(server: LiveServer) -> None:
    visitor, request_id = enter(server), str(uuid4())
    for _ in range(10):
        visitor.post("/chat", json={"message": "How do I set a limit?"})
    refused = visitor.post("/chat", json={"message": "Again?"}, headers={"X-Request-ID": request_id})
    assert refused.status_code == 429
    (event,) = kept("rate_limit_triggered")
    assert (event.event_data["action"], event.event_data["tier"]) == ("chat", "anonymous")
    assert str(event.request_id) == request_id


def test_reports_at_the_same_time_are_all_kept(server: LiveServer) -> None:
    visitor = enter(server)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: visitor.post("/analytics/event", json=LOADED), range(40)))
    told = {answer.json()["event_id"] for answer in answers}
    assert len(told) == 40
    assert told == {str(key) for key in Event.objects.filter(source="client").values_list("id", flat=True)}


def test_acknowledged_events_survive_a_kill(server: LiveServer) -> None:
    visitor = enter(server)
    told = [visitor.post("/analytics/event", json=LOADED).json()["event_id"] for _ in range(5)]
    server.kill()
    assert {str(key) for key in Event.objects.filter(source="client").values_list("id", flat=True)} == set(told)


def test_an_empty_body_is_refused(server: LiveServer) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"{server.url}/api/v1/analytics/event", content=b"", headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_json")


def test_test_mode_begins_without_events(start_server: START, database_url: str) -> None:
    Event.objects.create(event_type="of_yesterday", source="client")
    server = start_server(DATABASE_URL=database_url, INTEGRATION_TEST_MODE="true")
    assert not Event.objects.filter(event_type="of_yesterday").exists()
    answers = [httpx.post(f"{server.url}/api/v1/analytics/event", json=LOADED, timeout=30) for _ in range(3)]
    assert answers[0].headers["RateLimit-Policy"] == '"analytics";q=600;w=10'
    assert Event.objects.count() == 3


def test_without_its_database_nothing_is_acknowledged(start_server: START, postgres: Postgres) -> None:
    server = start_server(DATABASE_URL=postgres.url("postgres"))
    address = f"{server.url}/api/v1/analytics/event"
    assert httpx.post(address, json=LOADED, timeout=30).status_code == 200
    postgres.stop()
    answer = httpx.post(address, json=LOADED, timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (503, "database_unavailable")
    postgres.start()
    body: dict[str, Any] = {}

    def is_back() -> bool:
        body.update(httpx.post(address, json=LOADED, timeout=60).json())
        return "event_id" in body

    wait_until(is_back, "events are taken again")


def test_errors_that_clients_were_told_are_noted_when_the_server_stops(server: LiveServer) -> None:
    for _ in range(2):
        httpx.get(f"{server.url}/api/v1/nowhere", timeout=30)
    server.stop()
    told = {event.event_data["code"]: event.event_data["count"] for event in Event.objects.noticed("errors_told")}
    assert told["not_found"] == 2
