"""Servers to measure: ChatKit as it is served, and what it is measured against, all on one core beside the client's."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.environment import ROOT
from tests.live import LiveServer, clean_environment
from tests.services import accepts, free_port, wait_until

SERVER_CORE, CLIENT_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")
SCRIPTED = "tests/chat/scripted_server.py"
PROGRAM = "tests/bench/server.py"
SETTINGS = {
    "RATE_LIMITS__CHAT_ANONYMOUS": "100000000/60",
    "RATE_LIMITS__VISITOR": "none",
    "RATE_LIMITS__REGISTER": "none",
    "WS_MAX_PER_PRINCIPAL": "10000",
    "EMAIL_URL": "dummy://",
    "LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True)
class Place:
    """A running server, and a visitor of it."""

    url: str
    pid: int
    token: str | None = None

    @property
    def socket(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws/chat"

    @property
    def processes(self) -> list[int]:
        """The server's, and its workers'."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *map(int, children.split())]

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, self.processes))

    def resident_kib(self) -> int:
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pin(pid: int, core: int) -> None:
    """The server on one core and the client on the other, where there are two."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})


def allow_many_files() -> None:
    """For clients of thousands of sockets, and for the servers they start."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def new(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def visitor(url: str) -> str:
    token: str = httpx.post(f"{url}/api/v1/auth/visitor", json={}, timeout=30).json()["visitor_token"]
    return token


@contextmanager
def ours(
    folder: Path, *, program: str = SCRIPTED, workers: int = 1, is_pinned: bool = True, **settings: str
) -> Iterator[Place]:
    with LiveServer(folder, program=program, workers=workers, **{**SETTINGS, **settings}) as server:
        assert server.process is not None
        if is_pinned:
            pin(server.process.pid, SERVER_CORE)
        yield Place(server.url, server.process.pid, visitor(server.url))


@contextmanager
def other(kind: str, folder: Path, **settings: str) -> Iterator[Place]:
    """One of `tests.bench.servers`."""
    environment = clean_environment(
        {"DATA_DIR": str(folder), "SECRET_KEY": "b" * 50, "LOG_LEVEL": "ERROR", **SETTINGS, **settings}
    )
    if kind != "floor":
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.servers", kind, str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_until(lambda: accepts(port), f"{kind} answers")
        pin(process.pid, SERVER_CORE)
        url = f"http://127.0.0.1:{port}"
        yield Place(url, process.pid, visitor(url) if kind == "stock" else None)
    finally:
        process.terminate()
        process.wait(30)
