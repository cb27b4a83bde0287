"""A server whose agent does what it is told, and a caller over each transport."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.chat.clients import CALLERS, Caller, new_caller
from tests.leaks import CANARY
from tests.live import LiveServer

GENEROUS = {
    "RATE_LIMITS__CHAT_ANONYMOUS": "none",
    "RATE_LIMITS__VISITOR": "none",
    "RATE_LIMITS__REGISTER": "none",
    "EMAIL_URL": "dummy://",
}
SCRIPTED = "tests/chat/scripted_server.py"


def database_of_the_suite() -> dict[str, str]:
    """An empty database of its own for a server, on PostgreSQL where the suite runs on that."""
    shared = os.environ.get("DATABASE_URL")
    if shared is None:
        return {}
    name = f"chat_{os.urandom(6).hex()}"
    with psycopg.connect(shared, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return {"DATABASE_URL": f"{shared.rpartition('/')[0]}/{name}"}


@pytest.fixture(scope="session")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One for all turn tests of a worker: conversations do not meet."""
    settings = {**GENEROUS, **database_of_the_suite()}
    with LiveServer(tmp_path_factory.mktemp("chat"), program=SCRIPTED, **settings) as server:
        yield server


@pytest.fixture
def start_scripted(start_server: Callable[..., LiveServer]) -> Callable[..., LiveServer]:
    """A scripted server of the test's own, to kill and restart."""

    def start(**settings: Any) -> LiveServer:
        return start_server(program=SCRIPTED, **{**GENEROUS, **database_of_the_suite(), **settings})

    return start


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest, chat_server: LiveServer) -> Iterator[Caller]:
    """A new visitor, over each transport in turn."""
    made = new_caller(CALLERS[request.param], chat_server.url)
    yield made
    made.close()


@pytest.fixture
def visitor(chat_server: LiveServer) -> Iterator[Caller]:
    made = new_caller(CALLERS["json"], chat_server.url)
    yield made
    made.close()


def register(server: LiveServer, name: str) -> str:
    """A person with a password, and their access token."""
    email = f"{name}-{os.urandom(4).hex()}@example.com"
    who = {"email": email, "password": f"{CANARY}-{name}-Xy7", "name": name}
    with httpx.Client(base_url=f"{server.url}/api/v1", timeout=30) as http:
        http.post("/auth/register", json=who).raise_for_status()
        answer = http.post("/auth/login", json={"email": email, "password": who["password"]}).raise_for_status()
        return str(answer.json()["access_token"])
