"""The cast of analytics: callers who report, and a database that shows what was kept."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import orjson
import pytest
from django.http import HttpResponse
from django.test import AsyncClient

from apps.accounts import credentials, sessions, visitors
from apps.accounts.models import User

Post = Callable[..., Coroutine[Any, Any, HttpResponse]]


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Whom a credential stood for in one test is nobody in the next."""
    credentials.forget()
    yield
    credentials.forget()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", name="Alice")


@pytest.fixture
def alice_token(alice: User) -> str:
    return sessions.open_session(alice, user_agent="Alice's browser").raw


@pytest.fixture
def entered(db: None) -> visitors.Entered:
    return visitors.enter(anon_id=None, presented=None, user_agent="A browser")


@pytest.fixture
def post(transactional_db: None, open_ledger: None) -> Post:
    """Reports through the whole of Django, and the ledger beneath it."""
    client = AsyncClient(raise_request_exception=False)

    async def call(path: str, body: Any, *, token: str | None = None, **headers: str) -> HttpResponse:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        kind = headers.pop("content_type", "application/json")
        answer: HttpResponse = await client.post(path, content, content_type=kind, headers=headers)
        return answer

    return call
