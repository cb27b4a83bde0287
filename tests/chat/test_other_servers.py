"""Daphne and uvicorn's command keep the same promises, although one waits for no reader and neither says goodbye."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.chat.clients import CALLERS, JsonCaller, Socket, new_caller, socket
from tests.chat.conftest import GENEROUS
from tests.chat.test_sockets import address, ended, resident_kib, series
from tests.chat.test_turns import script, words
from tests.environment import ROOT
from tests.live import LiveServer, clean_environment, run_manage
from tests.services import accepts, free_port, wait_until

APPLICATION = "tests.chat.scripted_asgi:application"
COMMANDS = {
    "daphne": ("daphne", "-b", "127.0.0.1", APPLICATION, "-p"),
    "uvicorn": ("uvicorn", "--host", "127.0.0.1", "--log-level", "error", "--no-proxy-headers", APPLICATION, "--port"),
}


class OtherServer(LiveServer):
    """The same settings and log as a live server, another program."""

    name: str

    def start(self) -> None:
        port = free_port()
        assert run_manage("migrate", environment=self.settings).returncode == 0
        command = [*COMMANDS[self.name], str(port)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=clean_environment(self.settings), stdout=log, stderr=log
            )
        self.url = f"http://127.0.0.1:{port}"
        wait_until(lambda: accepts(port), f"{self.name} answers")


class Daphne(OtherServer):
    name = "daphne"


class Uvicorn(OtherServer):
    name = "uvicorn"


@pytest.fixture
def daphne(tmp_path: Path) -> Iterator[Daphne]:
    with Daphne(tmp_path, **GENEROUS) as server:
        yield server


@pytest.fixture(params=[Daphne, Uvicorn])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OtherServer]:
    with request.param(tmp_path, **GENEROUS) as server:
        yield server


@pytest.mark.parametrize("kind", CALLERS)
def test_it_answers_over_every_transport(other: OtherServer, kind: str) -> None:
    assert new_caller(CALLERS[kind], other.url).ask(script(tokens=5)).text == words(5)


def test_an_unread_answer_holds_little_memory_and_ends_the_socket(daphne: Daphne) -> None:
    token = new_caller(JsonCaller, daphne.url).token
    assert daphne.process is not None
    before = resident_kib(daphne.process.pid)
    with connect(
        address(daphne), additional_headers={"Authorization": f"Bearer {token}"}, max_queue=1, compression=None
    ) as connection:
        for _ in range(8):
            Socket(connection).send("agent.message", {"text": script(tokens=20_000)})
        wait_until(lambda: series(daphne, "chatkit_turns_total") >= 8, "all turns have ended, read or unread")
        assert resident_kib(daphne.process.pid) - before < 64 * 1024
    wait_until(lambda: series(daphne, "chatkit_sockets_open") == 0, "the socket is forgotten")


def test_it_lets_turns_finish_and_says_come_back(other: OtherServer) -> None:
    token = new_caller(JsonCaller, other.url).token
    with socket(other.url, token) as opened:
        opened.request("agent.message", {"text": script(tokens=30, pause=0.02)})
        assert other.process is not None
        other.process.terminate()
        assert opened.until("agent.completed")["data"]["answer"] == words(30)
        # Daphne sends the code and not the reason.
        assert ended(opened.connection)[0] == 4012
    assert other.process.wait(30) is not None
    with pytest.raises(httpx.TransportError):
        httpx.get(other.url, timeout=2)
