"""What the server notices by itself, and that noticing it costs nobody anything."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from prometheus_client import REGISTRY
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from apps.accounts import credentials, visitors
from apps.accounts.models import User, Visitor
from apps.analytics import listeners, recording, refusals
from apps.analytics.models import Event
from apps.chat import endings
from apps.chat.agents import Outcome
from apps.chat.events import EventType
from apps.chat.models import Turn
from apps.throttling import limits
from apps.throttling.limits import RateLimited
from chatkit.config import Config
from chatkit.errors import ServerAtCapacity
from tests.accounts.conftest import PASSWORD, Api

pytestmark = pytest.mark.django_db
Commit = DjangoCaptureOnCommitCallbacks


@pytest.fixture
def as_alice(alice_token: str) -> Api:
    return Api(alice_token)


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Commit) -> Callable[..., Any]:
    def call(action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return action(*args, **kwargs)

    return call


def kinds(events: list[Event]) -> list[str]:
    return [event.event_type for event in events]


def test_log_ins_that_succeed_and_fail(noticed: list[Event], committed: Callable[..., Any]) -> None:
    alice = User.objects.create_user("alice@example.com", PASSWORD)
    committed(Api().post, "/auth/login", {"email": alice.email, "password": PASSWORD})
    committed(Api().post, "/auth/login", {"email": alice.email, "password": f"{PASSWORD}?"})
    assert kinds(noticed) == ["login", "auth_failed"]
    assert (noticed[0].user_id, noticed[0].event_data) == (alice.id, {"method": "password"})
    assert (noticed[1].user_id, noticed[1].event_data) == (None, {"reason": "wrong_password"})
    assert noticed[0].network == "127.0.0.0/24"


def test_a_log_out(noticed: list[Event], committed: Callable[..., Any], as_alice: Api, alice: User) -> None:
    session = alice.sessions.get().id
    committed(as_alice.post, "/auth/logout")
    assert [(event.event_type, event.user_id, event.session_id) for event in noticed] == [("logout", alice.id, session)]


def test_the_event_names_the_request(noticed: list[Event], committed: Callable[..., Any], as_alice: Api) -> None:
    request_id = str(uuid4())
    committed(as_alice.post, "/auth/logout", None, **{"X-Request-ID": request_id})
    assert str(noticed[0].request_id) == request_id


def test_a_visitor_who_becomes_a_person(
    noticed: list[Event], committed: Callable[..., Any], alice: User, entered: visitors.Entered
) -> None:
    committed(visitors.claim, entered.visitor, alice)
    joined = noticed[0]
    assert (joined.event_type, joined.user_id, joined.visitor_id) == (
        "anonymous_to_authenticated",
        alice.id,
        entered.visitor.id,
    )


def test_a_saved_chat_is_told_by_its_size(noticed: list[Event], as_alice: Api) -> None:
    as_alice.post("/chat/save", {"messages": [{"role": "user", "content": "What is my secret?"}]})
    assert kinds(noticed) == ["save_chat"]
    assert noticed[0].event_data["messages"] == 1
    assert "secret" not in str(noticed[0].event_data)


def test_a_reading_list(noticed: list[Event], as_alice: Api, alice: User) -> None:
    as_alice.post("/user/personalize", {})
    assert [(event.event_type, event.user_id) for event in noticed] == [("personalize", alice.id)]


def test_who_is_refused_often_is_noted_once(noticed: list[Event], entered: visitors.Entered) -> None:
    subject = f"visitor:{entered.visitor.id}"
    for _ in range(4):
        limits.consume(subject, "personalize")
    for _ in range(3):
        with pytest.raises(RateLimited):
            limits.require(subject, "personalize")
    assert [(event.event_type, event.visitor_id) for event in noticed] == [("rate_limit_triggered", entered.visitor.id)]
    assert noticed[0].event_data == {"action": "personalize", "tier": "anonymous", "limit": 3, "window": 60}


def test_a_refused_person_is_noted_with_their_tier(noticed: list[Event], alice: User) -> None:
    for _ in range(6):
        limits.consume(f"user:{alice.id}", "save_chat")
    assert (noticed[0].user_id, noticed[0].event_data["tier"]) == (alice.id, "lightweight")


def test_a_refused_address_is_noted_without_it(noticed: list[Event], settings: Settings) -> None:
    settings.CHATKIT = Config(integration_test_mode=False)
    for _ in range(61):
        Api().post("/auth/visitor", {})
    assert noticed[0].event_data == {"action": "visitor", "tier": "", "limit": 60, "window": 60}
    assert (noticed[0].user_id, noticed[0].visitor_id) == (None, None)


def test_a_locked_out_guesser_is_noted_once(noticed: list[Event], committed: Callable[..., Any]) -> None:
    for _ in range(14):
        committed(Api().post, "/auth/login", {"email": "alice@example.com", "password": "wrong wrong"})
    reasons = [event.event_data.get("reason") for event in noticed if event.event_type == "auth_failed"]
    assert (reasons.count("wrong_password"), reasons.count("locked")) == (10, 1)
    assert "alice" not in str([event.event_data for event in noticed])


def principal_of(entered: visitors.Entered) -> credentials.Principal:
    return credentials.resolve(entered.issued.raw)


def turn_with(**changes: Any) -> Turn:
    return Turn(conversation_id=uuid4(), question_id=uuid4(), reply_id=uuid4(), **changes)


def test_a_turn_makes_a_row_for_its_last_write(entered: visitors.Entered) -> None:
    turn = turn_with(mode="browse")
    with structlog.contextvars.bound_contextvars(request_id="0f0e0d0c-0b0a-0908-0706-050403020100"):
        (row,) = endings.extra_rows(turn, EventType.COMPLETED, Outcome(), principal_of(entered))
    assert isinstance(row, Event)
    assert (row.event_type, row.visitor_id) == ("chat_message", entered.visitor.id)
    assert row.request_id == UUID("0f0e0d0c-0b0a-0908-0706-050403020100")
    assert row.event_data["turn_id"] == str(turn.id)
    assert (row.event_data["outcome"], row.event_data["tier"]) == ("completed", "anonymous")


def lost(reason: str) -> float:
    return REGISTRY.get_sample_value("chatkit_events_lost_total", {"reason": reason}) or 0.0


def test_a_turn_ends_without_a_row_that_cannot_be_made(entered: visitors.Entered) -> None:
    before = lost("NotAFact")
    turn = turn_with(mode="what was said")
    assert endings.extra_rows(turn, EventType.COMPLETED, Outcome(), principal_of(entered)) == []
    assert lost("NotAFact") == before + 1


def test_an_event_that_cannot_be_written_fails_nobody_and_is_counted(
    as_alice: Api, committed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def leave(self, *events: Event) -> None:
            raise ServerAtCapacity

    before = lost("ServerAtCapacity")
    monkeypatch.setattr(recording, "ledger", Full())
    assert committed(as_alice.post, "/auth/logout").status == 204
    assert lost("ServerAtCapacity") == before + 1


def test_the_memory_of_refusals_has_an_end() -> None:
    lately = listeners.Lately()
    for number in range(listeners.LARGEST_MEMORY + 1):
        lately.is_first(str(number), seconds=60)
    assert lately.is_first("0", seconds=60)
    assert not lately.is_first(str(listeners.LARGEST_MEMORY), seconds=60)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_an_address_is_kept_without_its_end(address: str, network: str) -> None:
    assert recording.network_of(address) == network


def test_a_visitor_who_is_pruned_leaves_their_events(entered: visitors.Entered) -> None:
    Event.objects.create(event_type="a", source="client", visitor=entered.visitor)
    Visitor.objects.all().delete()
    assert Event.objects.count() == 1


def test_errors_are_told_once_by_transport_and_code(noticed: list[Event]) -> None:
    api = Api()
    refusals.tell()
    noticed.clear()
    for _ in range(3):
        api.get("/nowhere")
    api.get("/auth/me")
    refusals.tell()
    refusals.tell()
    found = {event.event_data["code"]: event.event_data for event in noticed}
    assert found == {
        "not_found": {"transport": "http", "code": "not_found", "count": 3},
        "no_token": {"transport": "http", "code": "no_token", "count": 1},
    }
