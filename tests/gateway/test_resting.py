"""The circuit breaker of a real server: it opens, tries once, and closes; visitors and owners are told."""

from collections.abc import Callable

import httpx
import pytest

from tests.chat.clients import CALLERS, Refused, new_caller
from tests.gateway.conftest import GENEROUS, PROGRAM, environment_of
from tests.gateway.fakes import TEXTS, Fake
from tests.live import LiveServer
from tests.services import wait_until


@pytest.fixture(scope="module")
def name() -> str:
    return "anthropic"


def runtime(server: LiveServer) -> dict[str, str]:
    found: dict[str, str] = httpx.get(f"{server.url}/health?check=runtime").json()["checks"]["runtime"]
    return found


def test_a_provider_that_keeps_failing_rests_and_comes_back(
    start_server: Callable[..., LiveServer], fake: Fake
) -> None:
    settings = {**GENEROUS, **environment_of("anthropic", fake), "CHATKIT_TEST_REST": "1.5"}
    server = start_server(program=PROGRAM, AGENT_FALLBACK="none", **settings)
    caller = new_caller(CALLERS["json"], server.url)
    fake.play(status=529, error_type="overloaded_error")
    for _ in range(2):
        with pytest.raises(Refused):
            caller.ask("Anybody there?")
    asked = len(fake.questions)
    with pytest.raises(Refused) as refused:
        caller.ask("Anybody there?")
    assert refused.value.code == "runtime_unavailable"
    assert len(fake.questions) == asked
    assert runtime(server)["status"] == "degraded"
    assert "its circuit breaker is open (overloaded)" in runtime(server)["message"]
    assert httpx.get(f"{server.url}/health").status_code == 200
    assert 'chatkit_provider_breaker{provider="anthropic"} 2.0' in httpx.get(f"{server.url}/metrics").text
    wait_until(lambda: "is tried again" in runtime(server)["message"], "the rest is over")
    fake.play()
    assert caller.ask("Anybody there?").text == "".join(TEXTS)
    assert runtime(server)["status"] == "ok"
    assert 'chatkit_provider_breaker{provider="anthropic"} 0.0' in httpx.get(f"{server.url}/metrics").text
    caller.close()
