"""`manage.py serve`, as an owner runs it."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.environment import ROOT
from tests.live import LiveServer, clean_environment, run_manage
from tests.services import Postgres, Redis, accepts, free_port, wait_until

StartServer = Callable[..., LiveServer]


def health(server: LiveServer, query: str = "") -> httpx.Response:
    return httpx.get(f"{server.url}/health{query}", timeout=10)


def test_it_answers_health_soon_after_its_start(start_server: StartServer) -> None:
    body = health(start_server()).json()
    assert (body["status"], body["service"], body["database"]) == ("ok", "chatkit", "connected")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_ends_in_order_on_a_signal(start_server: StartServer, name: str) -> None:
    server = start_server()
    assert server.process is not None
    server.process.send_signal(signal.Signals[name])
    assert server.stop() == 0


def test_it_says_so_when_the_database_is_gone_and_recovers_by_itself(
    start_server: StartServer, postgres: Postgres
) -> None:
    server = start_server(DATABASE_URL=postgres.new_database())
    postgres.stop()
    gone = health(server)
    assert (gone.status_code, gone.json()["database"], gone.json()["status"]) == (503, "disconnected", "unhealthy")
    assert httpx.get(f"{server.url}/health/live").status_code == 200
    assert httpx.get(f"{server.url}/health/ready", timeout=10).status_code == 503
    postgres.start()
    wait_until(lambda: health(server).status_code == 200, "the server finds its database again")


def passed_checks(server: LiveServer) -> set[str]:
    checks = health(server, "?check=all").json()["checks"]
    return {name for name, check in checks.items() if check["status"] == "ok"}


def test_workers_share_the_port_and_the_metrics_and_end_in_order(
    start_server: StartServer, postgres: Postgres, redis: str
) -> None:
    server = start_server(workers=2, DATABASE_URL=postgres.new_database(), REDIS_URL=redis)
    wanted = {"db", "cache", "channels", "runtime"}
    wait_until(lambda: passed_checks(server) == wanted, "all checks of whichever worker answers pass")
    for _ in range(20):
        httpx.get(f"{server.url}/health/live")
    counted = httpx.get(f"{server.url}/metrics").text
    # However the calls were spread, one process knows them all; the start of the server asked at least once too.
    assert (
        sum(
            float(line.rpartition(" ")[2])
            for line in counted.splitlines()
            if 'route="health/live"' in line and "requests_total" in line
        )
        >= 20
    )
    assert server.stop() == 0


def test_cache_and_channels_going_away_degrades_and_does_not_stop_it(
    start_server: StartServer, redis_service: Redis
) -> None:
    server = start_server(REDIS_URL=redis_service.url)
    redis_service.stop()
    answer = health(server, "?check=all")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["cache"]["message"] == "The check failed; the log says why."
    redis_service.start()
    wait_until(lambda: health(server, "?check=all").json()["status"] == "ok", "the server finds Redis again")


@pytest.mark.parametrize("command", [["daphne", "-b", "127.0.0.1", "-p"], ["uvicorn", "--no-proxy-headers", "--port"]])
def test_other_servers_run_it_too(command: list[str], tmp_path: Path) -> None:
    port, settings = free_port(), {"DATA_DIR": str(tmp_path), "SECRET_KEY": "s" * 40}
    assert run_manage("migrate", environment=settings).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", *command, str(port), "chatkit.asgi:application"],
        cwd=ROOT,
        env=clean_environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: accepts(port), f"{command[0]} answers")
        answer = httpx.get(f"http://127.0.0.1:{port}/health", timeout=10)
        assert (answer.status_code, answer.json()["database"]) == (200, "connected")
        assert "X-Request-ID" in answer.headers
    finally:
        process.terminate()
        process.wait(30)


def test_test_mode_says_what_it_changed_and_hides_what_is_secret(start_server: StartServer) -> None:
    server = start_server(INTEGRATION_TEST_MODE="true", CORS_ORIGINS="https://www.example.com")
    said = server.log()
    assert "Integration test mode is ON" in said
    assert "save_chat 2/10" in said
    assert "Mail: off (dummy)" in said
    assert "Origins: https://www.example.com." in said
    assert server.settings["SECRET_KEY"] not in said


def test_production_warns_about_what_works_but_deserves_a_look(start_server: StartServer) -> None:
    server = start_server(ENVIRONMENT="production", SECRET_KEY="k" * 50)
    assert "chatkit: DATABASE_URL: SQLite serves one machine;" in server.log()
    assert "chatkit: EMAIL_URL: not set" in server.log()


def test_no_socket_is_accepted_where_none_lives(start_server: StartServer) -> None:
    server = start_server()
    with pytest.raises(InvalidStatus) as refusal, connect(server.url.replace("http", "ws") + "/nowhere"):
        pass
    assert refusal.value.response.status_code == 403


def test_a_taken_port_is_one_line(start_server: StartServer) -> None:
    server = start_server()
    second = LiveServer(server.folder, PORT=server.settings["PORT"])
    with pytest.raises(RuntimeError, match="address already in use; choose another with --host and --port"):
        second.start()
