"""What a provider costs a server that does not ask one, and how it comes and goes with one that does."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.chat.clients import CALLERS, new_caller
from tests.environment import ROOT
from tests.gateway.conftest import GENEROUS, KEY, environment_of
from tests.gateway.fakes import TEXTS, Fake, running
from tests.live import LiveServer, clean_environment
from tests.services import wait_until

SDKS = "anthropic", "openai", "httpx2", "aiohttp", "botocore"
LOADED = f"import sys, chatkit.asgi; print([name for name in {SDKS} if name in sys.modules])"


@pytest.fixture
def fake() -> Iterator[Fake]:
    """Of the test's own: nobody else holds a connection to it."""
    yield from running("anthropic")


def test_the_local_agent_loads_no_sdk(tmp_path: object) -> None:
    environment = clean_environment({"DATA_DIR": str(tmp_path)})
    command = [sys.executable, "-c", LOADED]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_the_provider_is_reached_before_the_first_question(start_server: Callable[..., LiveServer], fake: Fake) -> None:
    server = start_server(**GENEROUS, **environment_of("anthropic", fake))
    wait_until(lambda: [received.method for received in fake.received] == ["HEAD"], "the connection is opened")
    caller = new_caller(CALLERS["json"], server.url)
    before = fake.connections
    assert caller.ask("Why?").text == "".join(TEXTS)
    assert fake.connections == before
    caller.close()


def test_stopping_lets_the_answer_end_and_closes_the_connection(
    start_server: Callable[..., LiveServer], fake: Fake
) -> None:
    # At this level the SDKs would write down whole requests.
    server = start_server(**GENEROUS, **environment_of("anthropic", fake), LOG_LEVEL="DEBUG")
    caller = new_caller(CALLERS["json"], server.url)
    caller.ask("Why?")
    assert server.stop() == 0
    wait_until(lambda: fake.open == 0, "the connections are closed")
    assert "Unclosed" not in server.log()
    assert KEY not in server.log()
    assert "cache_control" not in server.log()
    caller.close()


def test_several_workers_each_have_a_client(start_server: Callable[..., LiveServer], fake: Fake, redis: str) -> None:
    settings = {**GENEROUS, **environment_of("anthropic", fake), "REDIS_URL": redis}
    server = start_server(workers=2, **settings)
    caller = new_caller(CALLERS["sse"], server.url)
    assert [caller.ask("Why?").text for _ in range(4)] == ["".join(TEXTS)] * 4
    assert 'chatkit_provider_breaker{provider="anthropic"} 0.0' in httpx.get(f"{server.url}/metrics").text
    caller.close()
