"""The cast: alice has a session, bob another one, and a visitor whom nobody knows yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts import credentials, sessions, visitors
from apps.accounts.models import Session, User
from tests.environment import CANARY

PASSWORD = f"{CANARY} horse battery"


@pytest.fixture(autouse=True)
def collected_files(settings: Settings) -> None:
    """The folder that the middleware for static files wants to see."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def unhashed_files(settings: Settings) -> None:
    """Pages name static files as they are, so that nothing has to be collected for them."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Whom a credential stood for in one test is nobody in the next."""
    credentials.forget()
    yield
    credentials.forget()


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Any

    @property
    def error(self) -> str:
        return str(self.body["error"])


class Api:
    """Calls the API as a client does: JSON, and at most one credential."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token
        self.client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        response = self.client.generic(
            method,
            f"/api/v1{path}",
            data=body if isinstance(body, bytes) else encode(body),
            content_type="application/json",
            headers=headers,
        )
        return Answer(response.status_code, response.json() if response.content else None, response.headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path)


def encode(body: Any) -> bytes:
    return b"" if body is None else orjson.dumps(body)


@pytest.fixture
def api() -> Api:
    """Nobody in particular."""
    return Api()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", PASSWORD, name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", name="Bob")


@pytest.fixture
def as_alice(alice: User) -> Api:
    return Api(sessions.open_session(alice, user_agent="Alice's browser").raw)


@pytest.fixture
def as_bob(bob: User) -> Api:
    return Api(sessions.open_session(bob, user_agent="Bob's browser").raw)


@pytest.fixture
def as_visitor(db: None) -> Api:
    return Api(visitors.enter(anon_id=None, presented=None, user_agent="A browser").issued.raw)


@pytest.fixture
def alice_session(as_alice: Api, alice: User) -> Session:
    return alice.sessions.get()
