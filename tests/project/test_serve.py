"""`manage.py serve`, as an owner runs it."""

import signal
from collections.abc import Callable

import httpx
import pytest

from tests.live import LiveServer
from tests.services import Postgres, wait_until

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


def test_a_taken_port_is_one_line(start_server: StartServer) -> None:
    server = start_server()
    second = LiveServer(server.folder, PORT=server.settings["PORT"])
    with pytest.raises(RuntimeError, match="address already in use; choose another with --host and --port"):
        second.start()
