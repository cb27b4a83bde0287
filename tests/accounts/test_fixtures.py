"""Integration test mode: what it promises is there, however the server is started, as often as one likes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts import fixtures, tokens
from apps.accounts.models import Session, Token, User, VerificationToken
from chatkit import preparation, seeding
from chatkit.config import Config
from tests.accounts.conftest import Api
from tests.environment import CANARY, ROOT
from tests.live import LiveServer, clean_environment, run_manage
from tests.services import Postgres, free_port, wait_until


@pytest.fixture
def test_mode(settings: Settings, db: None) -> None:
    settings.CHATKIT = Config(integration_test_mode=True)


@pytest.mark.database
def test_the_fixtures_are_what_the_contract_says(test_mode: None, api: Api) -> None:
    fixtures.seed()
    body = Api(tokens.FIXTURE_SESSION).get("/auth/session-check").body
    assert body["user"] == {"email": "test@integration.local", "tier": "lightweight"}
    assert Api(tokens.FIXTURE_SESSION).get("/auth/verification-status").body == {"verified": True}
    life = Session.objects.get().expires_at - timezone.now()
    assert 23.9 < life.total_seconds() / 3600 <= 24
    assert api.post("/auth/verify", {"token": tokens.FIXTURE_VERIFICATION}).status == 200


@pytest.mark.database
def test_seeding_again_makes_everything_as_it_was(test_mode: None, api: Api) -> None:
    fixtures.seed()
    api.post("/auth/verify", {"token": tokens.FIXTURE_VERIFICATION})
    Api(tokens.FIXTURE_SESSION).post("/auth/logout")
    User.objects.update(tier="premium", is_active=False)
    fixtures.seed()
    assert Api(tokens.FIXTURE_SESSION).get("/auth/me").body["tier"] == "lightweight"
    assert api.post("/auth/verify", {"token": tokens.FIXTURE_VERIFICATION}).status == 200
    assert User.objects.count() == 1


@pytest.mark.database
def test_seeding_twice_doubles_nothing(test_mode: None) -> None:
    fixtures.seed()
    fixtures.seed()
    assert [model.objects.count() for model in (User, Session, Token, VerificationToken)] == [1, 1, 1, 1]


def test_seeding_outside_the_mode_is_refused() -> None:
    with pytest.raises(RuntimeError):
        seeding.seed(Config())


def test_the_command_refuses_outside_the_mode_with_one_line(tmp_path: Path) -> None:
    ended = run_manage("seed_integration_fixtures", environment={"DATA_DIR": str(tmp_path)})
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1)
    assert ended.stderr.startswith("chatkit: INTEGRATION_TEST_MODE: is off")


def test_a_worker_of_a_running_server_does_not_seed_again(test_mode: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(preparation.SEEDED, "1")
    preparation.seed_once()
    assert not User.objects.exists()


Start = Callable[..., LiveServer]


def is_seeded(url: str) -> bool:
    credential = {"Authorization": f"Bearer {tokens.FIXTURE_SESSION}"}
    return httpx.get(f"{url}/api/v1/auth/session-check", headers=credential, timeout=20).status_code == 200


def test_serve_seeds_at_its_start_and_the_command_tells_what_it_made(start_server: Start) -> None:
    server = start_server(INTEGRATION_TEST_MODE="true")
    assert is_seeded(server.url)
    ended = run_manage("seed_integration_fixtures", environment=server.settings)
    assert ended.returncode == 0
    assert "test@integration.local (tier lightweight, e-mail verified)" in ended.stdout
    assert tokens.FIXTURE_SESSION in ended.stdout
    assert tokens.FIXTURE_SESSION not in server.log()


def test_workers_do_not_undo_what_happened_since_the_start(tmp_path: Path, postgres: Postgres, redis: str) -> None:
    settings = {"INTEGRATION_TEST_MODE": "true", "DATABASE_URL": postgres.new_database(), "REDIS_URL": redis}
    with LiveServer(tmp_path, workers=2, **settings) as server:
        credential = {"Authorization": f"Bearer {tokens.FIXTURE_SESSION}"}
        assert server.log().count("test@integration.local (tier") == 1
        assert httpx.post(f"{server.url}/api/v1/auth/logout", headers=credential, timeout=20).status_code == 204
        wait_until(lambda: not is_seeded(server.url), "the log-out is felt")


@pytest.fixture(params=["daphne", "uvicorn"])
def other_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The application as other servers run it, on a migrated database."""
    environment = {
        "INTEGRATION_TEST_MODE": "true",
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": f"{CANARY}-signing-key-of-another-server-0123",
        "DJANGO_SETTINGS_MODULE": "chatkit.settings",
    }
    run_manage("migrate", environment=environment)
    (tmp_path / "static").mkdir(exist_ok=True)
    port = free_port()
    flags = ["-b", "127.0.0.1", "-p", str(port)] if request.param == "daphne" else ["--port", str(port)]
    command = [sys.executable, "-m", request.param, *flags, "chatkit.asgi:application"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=clean_environment(environment), stdout=log, stderr=log)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_other_servers_seed_at_their_start_too(other_server: str) -> None:
    wait_until(lambda: answers(other_server), "the server answers")
    assert is_seeded(other_server)


def test_the_mark_of_a_seeded_start_does_not_outlive_it() -> None:
    assert preparation.SEEDED not in os.environ
