"""Accounts against live servers: the contract's flows, many people at once, and log-outs felt in other processes."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.environment import CANARY
from tests.live import LiveServer
from tests.services import Postgres, wait_until

Start = Callable[..., LiveServer]
PASSWORD = f"{CANARY} horse battery"
MANY = "1000/60"
RAW = re.compile(r"\bck[a-z]_[\w-]{43}|\beyJ[\w-]{8,}")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Site:
    """A live server, and the mail that it sends."""

    def __init__(self, server: LiveServer, mail: Path) -> None:
        self.server, self.mail = server, mail
        self.client = httpx.Client(base_url=f"{server.url}/api", timeout=30)

    def post(self, path: str, body: Any = None, token: str | None = None) -> httpx.Response:
        return self.client.post(path, json=body, headers=bearer(token) if token else {})

    def get(self, path: str, token: str) -> httpx.Response:
        return self.client.get(path, headers=bearer(token))

    def codes(self) -> list[str]:
        letters = [path.read_text() for path in sorted(self.mail.glob("*.log"))]
        return [code for letter in letters for code in re.findall(r"^(ckm_[\w-]{43})$", letter, re.MULTILINE)]

    def new_code(self, act: Callable[[], httpx.Response]) -> str:
        known = set(self.codes())
        assert act().status_code == 200
        wait_until(lambda: bool(set(self.codes()) - known), "the mail arrives")
        return (set(self.codes()) - known).pop()

    def sign_in(self, email: str) -> str:
        body = {"email": email, "consent_data_storage": True}
        code = self.new_code(lambda: self.post("/v1/auth/signup", body))
        session: str = self.post("/v1/auth/verify", {"token": code}).json()["session_token"]
        return session


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    mail = tmp_path_factory.mktemp("mail")
    limits = {f"RATE_LIMITS__{name}": MANY for name in ("SIGNUP", "VERIFY", "REGISTER", "VISITOR")}
    with LiveServer(tmp_path_factory.mktemp("accounts"), EMAIL_URL=f"file://{mail}", **limits) as server:
        made = Site(server, mail)
        yield made
        made.client.close()


def test_the_widgets_way_in(site: Site) -> None:
    visitor = site.post("/auth/visitor", {}).json()
    session = site.sign_in("widget@example.com")
    moved = site.post("/auth/migrate-session", {key: visitor[key] for key in ("anon_id", "visitor_token")}, session)
    assert (moved.status_code, moved.json()) == (200, {"migrated_messages": 0})
    assert site.get("/auth/verification-status", session).json() == {"verified": True}
    following = site.post("/auth/refresh-token", None, session).json()["token"]
    own = site.get("/auth/me", following).json()["credential"]["session_id"]
    assert site.get(f"/session/{own}", following).json()["tier"] == "lightweight"
    assert site.post("/auth/logout", None, following).status_code == 204
    assert site.get("/auth/session-check", following).json()["error"] == "token_revoked"


def test_the_api_clients_way_in(site: Site) -> None:
    person = {"email": "client@example.com", "password": PASSWORD, "name": "Client"}
    code = site.new_code(lambda: site.post("/v1/auth/register", person))
    first = site.post("/v1/auth/login", person).json()
    assert site.get("/protected", first["access_token"]).json()["tier"] == "lightweight"
    assert site.post("/auth/verify", {"token": code}).json()["user"]["tier"] == "full"
    second = site.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).json()
    assert site.get("/protected", second["access_token"]).json()["tier"] == "full"
    assert site.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).json()["error"] == "token_revoked"
    assert site.get("/protected", second["access_token"]).json()["error"] == "token_revoked"


def test_the_way_out(site: Site) -> None:
    session = site.sign_in("leaver@example.com")
    assert site.get("/account/export", session).json()["account"]["email"] == "leaver@example.com"
    assert site.client.delete("/account", headers=bearer(session)).status_code == 204
    assert site.get("/auth/me", session).status_code == 401


def test_session_check_is_head_and_get_only(site: Site) -> None:
    assert site.post("/auth/session-check").status_code == 405


async def register_and_log_in(client: httpx.AsyncClient, number: int) -> tuple[int, int]:
    person = {"email": f"person{number}@example.com", "password": f"{PASSWORD} {number}", "name": f"Person {number}"}
    registered = await client.post("/auth/register", json=person)
    logged_in = await client.post("/auth/login", json=person)
    return registered.status_code, logged_in.status_code


async def worst_pause(client: httpx.AsyncClient, until: asyncio.Event) -> float:
    """How long the event loop let a call wait that needs nothing but the loop."""
    worst = 0.0
    while not until.is_set():
        began = time.perf_counter()
        await client.get("/health/live")
        worst = max(worst, time.perf_counter() - began)
    return worst


async def test_a_hundred_people_register_and_log_in_at_once(site: Site) -> None:
    done = asyncio.Event()
    limits = httpx.Limits(max_connections=110)
    async with (
        httpx.AsyncClient(base_url=f"{site.server.url}/api/v1", timeout=120, limits=limits) as client,
        httpx.AsyncClient(base_url=site.server.url, timeout=60) as observer,
    ):
        watching = asyncio.create_task(worst_pause(observer, done))
        began = time.perf_counter()
        statuses = await asyncio.gather(*(register_and_log_in(client, number) for number in range(100)))
        took = time.perf_counter() - began
        done.set()
        pause = await watching
    print(f"100 people registered and logged in within {took:.2f} s; the longest pause was {pause * 1000:.0f} ms")
    assert set(statuses) == {(200, 200)}


def test_no_log_of_the_server_holds_a_token_or_a_password(site: Site) -> None:
    session = site.sign_in("private@example.com")
    site.get("/auth/me", session)
    httpx.get(f"{site.server.url}/verify", params={"token": site.codes()[-1]}, timeout=20)
    httpx.get(f"{site.server.url}/api/auth/me", params={"session_token": session}, timeout=20)
    site.post("/auth/login", {"email": "private@example.com", "password": PASSWORD})
    log = site.server.log()
    assert RAW.search(log) is None
    assert CANARY not in log


def two_processes(start_server: Start, postgres: Postgres, redis: str | None) -> tuple[LiveServer, LiveServer]:
    settings = {
        "DATABASE_URL": postgres.new_database(),
        "SECRET_KEY": f"{CANARY}-signing-key-shared-by-both-0123",
        "EMAIL_URL": "dummy://",
        **({"REDIS_URL": redis} if redis else {}),
    }
    return start_server(**settings), start_server(**settings)


def log_in(server: LiveServer) -> dict[str, Any]:
    person = {"email": "alice@example.com", "password": PASSWORD, "name": "Alice"}
    httpx.post(f"{server.url}/api/auth/register", json=person, timeout=30)
    pair: dict[str, Any] = httpx.post(f"{server.url}/api/auth/login", json=person, timeout=30).json()
    return pair


def check(server: LiveServer, token: str) -> int:
    return httpx.get(f"{server.url}/api/auth/session-check", headers=bearer(token), timeout=10).status_code


def assert_felt_within_a_second(here: LiveServer, there: LiveServer, token: str) -> None:
    """While the other process is asked again and again, so that it remembers the credential all the time."""
    assert check(there, token) == 200
    assert httpx.post(f"{here.url}/api/auth/logout", headers=bearer(token), timeout=30).status_code == 204
    ended = time.monotonic()
    asked = [(check(there, token), time.monotonic() - ended)]
    while asked[-1][0] == 200:
        asked.append((check(there, token), time.monotonic() - ended))
    # The last call that was still let through began within the second.
    late = [when for status, when in asked if status == 200]
    assert not late or max(late) < 1.2, late


def test_a_log_out_is_felt_in_another_process_within_a_second(
    start_server: Start, postgres: Postgres, redis: str
) -> None:
    here, there = two_processes(start_server, postgres, redis)
    token = log_in(here)["access_token"]
    assert_felt_within_a_second(here, there, token)


def test_a_log_out_is_felt_without_redis_too(start_server: Start, postgres: Postgres) -> None:
    here, there = two_processes(start_server, postgres, None)
    token = log_in(here)["access_token"]
    assert_felt_within_a_second(here, there, token)


def test_a_refresh_token_has_one_winner_in_two_processes(start_server: Start, postgres: Postgres) -> None:
    here, there = two_processes(start_server, postgres, None)
    body = {"refresh_token": log_in(here)["refresh_token"]}

    async def ask() -> list[int]:
        async with httpx.AsyncClient(timeout=30) as client:
            calls = [client.post(f"{server.url}/api/auth/refresh", json=body) for server in [here, there] * 4]
            return [answer.status_code for answer in await asyncio.gather(*calls)]

    assert sorted(asyncio.run(ask())) == [200] + [401] * 7
