"""What others may listen to: sent once, after the commit, and a deaf listener harms nobody."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer
from django.dispatch import Signal
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from apps.accounts import credentials, registration, revocation, signals
from apps.accounts.models import User, VerificationToken
from chatkit.config import Config
from tests.accounts.conftest import PASSWORD, Api

pytestmark = pytest.mark.django_db
NAMES = (
    "signup",
    "login",
    "logout",
    "email_verified",
    "anonymous_to_authenticated",
    "auth_failed",
    "account_deleted",
    "credentials_revoked",
    "principal_changed",
)
Heard = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    log: Heard = []
    receivers: list[tuple[Signal, Callable[..., None]]] = []
    for name in NAMES:

        def hear(name: str = name, **facts: Any) -> None:
            log.append((name, facts))

        getattr(signals, name).connect(hear, weak=False)
        receivers.append((getattr(signals, name), hear))
    yield log
    for signal, receiver in receivers:
        signal.disconnect(receiver)


def names(heard: Heard) -> list[str]:
    return [name for name, _ in heard]


def test_a_log_in_and_a_failed_one(
    api: Api, alice: User, heard: Heard, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        api.post("/auth/login", {"email": alice.email, "password": PASSWORD})
        api.post("/auth/login", {"email": alice.email, "password": f"{PASSWORD}?"})
    assert names(heard) == ["login", "auth_failed"]
    assert heard[1][1]["reason"] == "wrong_password"


def test_a_verification_of_somebody_new(
    heard: Heard,
    db: None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = VerificationToken(email="carol@example.com", purpose="signup")
    monkeypatch.setattr(registration, "take", lambda raw: token)
    with django_capture_on_commit_callbacks(execute=True):
        registration.verify("any", origin=registration.Origin())
    assert [name for name in names(heard) if name != "principal_changed"] == ["signup", "email_verified", "login"]


def test_a_log_out_says_which_sessions_ended(
    as_alice: Api, alice: User, heard: Heard, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    principal = credentials.resolve(as_alice.token or "")
    with django_capture_on_commit_callbacks(execute=True):
        as_alice.post("/auth/logout")
    revoked = dict(heard)["credentials_revoked"]["revocation"]
    assert (revoked.reason, revoked.covers(principal)) == ("token_revoked", True)
    assert names(heard) == ["credentials_revoked", "logout"]


def test_a_revocation_covers_whom_it_names_and_nobody_else(as_alice: Api, as_bob: Api, as_visitor: Api) -> None:
    alice, bob, visitor = (credentials.resolve(caller.token or "") for caller in (as_alice, as_bob, as_visitor))
    everything = revocation.Revocation("token_revoked", user_id=str(alice.user_id))
    another = revocation.Revocation("token_revoked", user_id=str(alice.user_id), session_ids=("another",))
    of_visitor = revocation.Revocation("token_revoked", visitor_id=str(visitor.visitor_id))
    assert [everything.covers(one) for one in (alice, bob, visitor)] == [True, False, False]
    assert [another.covers(one) for one in (alice, bob, visitor)] == [False, False, False]
    assert [of_visitor.covers(one) for one in (alice, bob, visitor)] == [False, False, True]


def test_disabling_somebody_ends_their_credentials_by_name(
    alice: User, heard: Heard, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        alice.is_active = False
        alice.save()
    assert dict(heard)["credentials_revoked"]["revocation"].reason == "account_disabled"


def test_a_listener_that_fails_fails_nobody_else(
    as_alice: Api, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError

    signals.logout.connect(fail)
    with django_capture_on_commit_callbacks(execute=True):
        assert as_alice.post("/auth/logout").status == 204
    signals.logout.disconnect(fail)


def test_news_of_another_process_is_taken_and_ones_own_is_not(heard: Heard) -> None:
    news = {"revoked": {"reason": "token_revoked", "user_id": "7", "visitor_id": None, "session_ids": ["1"]}}
    revocation.take({"from": revocation.process_name(), **news})
    assert heard == []
    revocation.take({"from": "elsewhere", **news})
    assert heard[0][1]["revocation"].session_ids == ("1",)
    revocation.take({"from": "elsewhere", "changed": "7"})
    assert heard[1][1]["user_id"] == "7"


def test_a_channel_layer_that_fails_does_not_fail_a_log_out(
    as_alice: Api, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.CHATKIT = Config(redis_url="redis://127.0.0.1:1/0")
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    with django_capture_on_commit_callbacks(execute=True):
        assert as_alice.post("/auth/logout").status == 204


def test_news_travels_through_the_layer(monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    layer = InMemoryChannelLayer()
    monkeypatch.setattr(revocation, "get_channel_layer", lambda: layer)

    async def there_and_back() -> dict[str, Any]:
        channel = await layer.new_channel()
        await layer.group_add(revocation.GROUP, channel)
        await revocation.send({"type": "credentials.news", "from": "elsewhere", "changed": "7"})
        received: dict[str, Any] = await layer.receive(channel)
        return received

    revocation.take(async_to_sync(there_and_back)())
    assert names(heard) == ["principal_changed"]


async def test_each_process_hears_what_another_one_revokes(redis: str, settings: Settings, heard: Heard) -> None:
    settings.CHATKIT = Config(redis_url=redis)
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [redis]}}}
    listening = asyncio.create_task(revocation.listen())
    news = {"reason": "token_revoked", "user_id": "7", "visitor_id": None, "session_ids": None}
    async with asyncio.timeout(30):
        # The listener says nothing when it is ready, so it is told until it hears.
        while not heard:
            await revocation.send({"type": "credentials.news", "from": "elsewhere", "revoked": news})
            await asyncio.sleep(0.01)
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    assert heard[0][1]["revocation"].user_id == "7"
