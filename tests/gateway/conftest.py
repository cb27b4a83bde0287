"""A fake of each provider, and the real SDK's client connected to it."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from apps.gateway.choice import Chosen, connect
from apps.gateway.protocol import Request, Said
from chatkit.config import Config
from tests.chat.clients import CALLERS, Caller, new_caller
from tests.gateway.fakes import WIRES, Fake
from tests.leaks import CANARY
from tests.live import LiveServer

KEY = f"{CANARY}-provider-key-0123456789"
QUESTION = Request("Be brief.", (Said("user", "How do I set a limit?"),), most_tokens=100)


def settings_of(name: str, fake: Fake) -> dict[str, Any]:
    return {
        "anthropic": {"anthropic_api_key": KEY, "anthropic_base_url": fake.url},
        "openai": {"openai_api_key": KEY, "openai_base_url": f"{fake.url}/v1", "agent_model": "llama"},
        "bedrock": {"aws_bearer_token_bedrock": KEY, "aws_region": "eu-central-1", "bedrock_base_url": fake.url},
    }[name] | {"agent": name}


def environment_of(name: str, fake: Fake) -> dict[str, str]:
    return {setting.upper(): str(value) for setting, value in settings_of(name, fake).items()}


@pytest.fixture(scope="session")
def fakes() -> Iterator[dict[str, Fake]]:
    made = {name: Fake(wire()) for name, wire in WIRES.items()}
    for fake in made.values():
        fake.__enter__()
    yield made
    for fake in made.values():
        fake.__exit__(None, None, None)


@pytest.fixture(params=WIRES, scope="session")
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fake(fakes: dict[str, Fake], name: str) -> Fake:
    return fakes[name].play()


@pytest.fixture
async def provider(name: str, fake: Fake) -> AsyncIterator[Chosen]:
    made = connect(Config(agent_connect_timeout=30, **settings_of(name, fake)))
    yield made
    await made.provider.close()


GENEROUS = {"RATE_LIMITS__CHAT_ANONYMOUS": "none", "RATE_LIMITS__VISITOR": "none", "WS_MAX_PER_PRINCIPAL": "1000"}
PROGRAM = "tests/gateway/provider_server.py"
# The breaker has tests of its own; the others must not open it for each other.
NEVER = {"CHATKIT_TEST_FAULTS": "1000"}


@dataclass
class Served:
    """A server whose answers come from a fake."""

    server: LiveServer
    fake: Fake
    name: str

    @property
    def url(self) -> str:
        return self.server.url


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, fakes: dict[str, Fake]) -> Iterator[Callable[..., LiveServer]]:
    """One for each provider and fallback, started by the first test that needs it."""
    started: dict[tuple[str, str], LiveServer] = {}

    def serve(name: str, fallback: str) -> LiveServer:
        if (name, fallback) not in started:
            settings = {**GENEROUS, **NEVER, **environment_of(name, fakes[name]), "AGENT_FALLBACK": fallback}
            server = LiveServer(tmp_path_factory.mktemp(name), program=PROGRAM, **settings)
            server.start()
            started[name, fallback] = server
        return started[name, fallback]

    yield serve
    for server in started.values():
        server.stop()


@pytest.fixture
def served(servers: Callable[..., LiveServer], fake: Fake, name: str) -> Served:
    return Served(servers(name, "none"), fake, name)


@pytest.fixture
def falling_back(servers: Callable[..., LiveServer], fake: Fake, name: str) -> Served:
    return Served(servers(name, "local"), fake, name)


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest, served: Served) -> Iterator[Caller]:
    made = new_caller(CALLERS[request.param], served.url)
    yield made
    made.close()


@pytest.fixture
def fallen_caller(falling_back: Served) -> Iterator[Caller]:
    made = new_caller(CALLERS["json"], falling_back.url)
    yield made
    made.close()
