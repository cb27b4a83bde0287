"""The cast: alice and bob, each with conversations of their own, and a visitor whom nobody knows yet."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts import credentials, sessions, visitors
from apps.accounts.models import User, Visitor
from apps.chat.models import Conversation, Message, Turn
from apps.knowledge.ingest import write_by_hand
from apps.knowledge.models import Document
from chatkit.config import Config, RateLimits
from chatkit.values import Rate
from tests.accounts.conftest import Api

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NO_LIMIT = Rate(None, 60)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Whom a credential stood for in one test is nobody in the next."""
    credentials.forget()
    yield
    credentials.forget()


@pytest.fixture
def no_limits(settings: Settings) -> None:
    settings.CHATKIT = Config(rate_limits=RateLimits(save_chat=NO_LIMIT, personalize=NO_LIMIT))


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", name="Bob")


@pytest.fixture
def visitor(db: None) -> Visitor:
    return visitors.enter(anon_id=None, presented=None, user_agent="A browser").visitor


@pytest.fixture
def api() -> Api:
    """Nobody in particular."""
    return Api()


@pytest.fixture
def as_alice(alice: User) -> Api:
    return Api(sessions.open_session(alice, user_agent="Alice's browser").raw)


@pytest.fixture
def as_bob(bob: User) -> Api:
    return Api(sessions.open_session(bob, user_agent="Bob's browser").raw)


@pytest.fixture
def entered(db: None) -> visitors.Entered:
    return visitors.enter(anon_id=None, presented=None, user_agent="A browser")


@pytest.fixture
def as_visitor(entered: visitors.Entered) -> Api:
    return Api(entered.issued.raw)


def conversation(owner: User | Visitor, title: str = "About widgets", *, minutes: int = 0) -> Conversation:
    """Used `minutes` after noon."""
    own = {"user": owner} if isinstance(owner, User) else {"visitor": owner}
    moment = NOON + timedelta(minutes=minutes)
    return Conversation.objects.create(title=title, created_at=moment, updated_at=moment, **own)


def exchange(
    chat: Conversation, question: str = "How?", answer: str = "So.", *, status: str = "completed", **reply: Any
) -> Turn:
    """A question and its answer, a second after whatever was said before."""
    moment = NOON + timedelta(seconds=2 * chat.messages.count())
    asked = Message.objects.create(conversation=chat, role="user", content=question, created_at=moment)
    is_running = status == "running"
    answered = Message.objects.create(
        conversation=chat,
        role="assistant",
        content=answer,
        status={"running": "writing", "completed": "complete"}.get(status, status),
        created_at=moment + timedelta(seconds=1),
        **reply,
    )
    return Turn.objects.create(
        conversation=chat,
        question=asked,
        reply=answered,
        status=status,
        model="local",
        created_at=moment,
        first_token_at=None if is_running else moment + timedelta(milliseconds=250),
        ended_at=None if is_running else moment + timedelta(seconds=1),
    )


def source(title: str = "Embedding", url: str = "https://example.com/embed", **more: Any) -> dict[str, Any]:
    return {"id": "1", "title": title, "url": url, "excerpt": "One script tag.", "score": 0.9, **more}


@pytest.fixture
def publish(db: None) -> Callable[..., Document]:
    """Writes a page of the site, as the owner does in the admin."""

    def write(title: str, body: str, **fields: Any) -> Document:
        slug = title.lower().replace(" ", "-")
        document = Document(title=title, body=body, url=f"https://example.com/{slug}", source=f"pages/{slug}", **fields)
        write_by_hand(document)
        return document

    return write
