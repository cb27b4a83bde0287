"""A durable turn over WebSocket beside the floor, and beside Channels as documented, all in one run."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.bench import table
from tests.bench.load import Result, ask_for
from tests.environment import ROOT
from tests.live import LiveServer, clean_environment
from tests.services import accepts, free_port, wait_until

CONNECTIONS, SECONDS, ROUNDS = 50, 3.0, 3
ENDS = (b"agent.completed", b"agent.failed")
STUB = json.dumps({"type": "agent.message", "payload": {"text": json.dumps({"tokens": 20})}}).encode()
SETTINGS = {
    "RATE_LIMITS__CHAT_ANONYMOUS": "100000000/60",
    "RATE_LIMITS__VISITOR": "none",
    "WS_MAX_PER_PRINCIPAL": "1000",
    "LOG_LEVEL": "ERROR",
}


def pin(pid: int, core: int) -> None:
    """The server on one core and the client on the other, where there are two."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})


@contextmanager
def ours(folder: Path, **settings: str) -> Iterator[tuple[str, str | None]]:
    with LiveServer(folder, program="tests/chat/scripted_server.py", **{**SETTINGS, **settings}) as server:
        assert server.process is not None
        pin(server.process.pid, 0)
        token = httpx.post(f"{server.url}/api/v1/auth/visitor", json={}).json()["visitor_token"]
        yield server.url.replace("http", "ws") + "/ws/chat", token


@contextmanager
def other(kind: str, folder: Path) -> Iterator[tuple[str, str | None]]:
    port = free_port()
    settings = {"DATA_DIR": str(folder), "SECRET_KEY": "b" * 50, "LOG_LEVEL": "ERROR"}
    if kind != "floor":
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=clean_environment(settings), check=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.servers", kind, str(port)], cwd=ROOT, env=clean_environment(settings)
    )
    try:
        wait_until(lambda: accepts(port), f"{kind} answers")
        pin(process.pid, 0)
        yield f"ws://127.0.0.1:{port}/ws/chat", None
    finally:
        process.terminate()
        process.wait(30)


def measure(address: str, token: str | None) -> Result:
    return asyncio.run(ask_for(address, [token] * CONNECTIONS, STUB, ENDS, SECONDS))


def main(folder: Path) -> None:
    pin(0, 1)
    with ExitStack() as stack:
        places = {
            "raw ASGI, 20 frames, no database (floor)": stack.enter_context(other("floor", new(folder, "floor"))),
            "Channels as documented": stack.enter_context(other("channels", new(folder, "documented"))),
            "the same with persistent connections": stack.enter_context(
                other("channels-persistent", new(folder, "persistent"))
            ),
            "ChatKit, a frame a token": stack.enter_context(ours(new(folder, "frames"), CHATKIT_TEST_FRAMES="1")),
            "ChatKit": stack.enter_context(ours(new(folder, "ours"))),
        }
        found: dict[str, list[Result]] = {name: [] for name in places}
        for _ in range(ROUNDS):
            for name, (address, token) in places.items():
                found[name].append(measure(address, token))
    report(found)


def new(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def report(found: dict[str, list[Result]]) -> None:
    rates = {name: statistics.median(result.per_second for result in results) for name, results in found.items()}
    p99 = {name: statistics.median(result.p99 for result in results) for name, results in found.items()}
    floor, documented, persistent, frames, ours_ = rates
    table.show(f"Durable turns over WebSocket, {CONNECTIONS} connections", rates, unit="turns/s", base=floor)
    for name, value in p99.items():
        print(f"  p99 {name:<54}{value:>12,.1f} ms")
    table.verdict("a frame a token: at least 0.50 of the floor", is_met=rates[frames] >= 0.5 * rates[floor])
    table.verdict("at least 9 × Channels as documented", is_met=rates[frames] >= 9 * rates[documented])
    table.verdict("at least 4 × the same with persistent connections", is_met=rates[frames] >= 4 * rates[persistent])
    table.verdict("coalescing: at least the floor", is_met=rates[ours_] >= rates[floor])
    table.verdict("p99 at most twice the floor's", is_met=p99[ours_] <= 2 * p99[floor])
