"""What asking a model through ChatKit adds to asking it directly, and how two hundred streams hold in one process."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench import load, results, table
from tests.bench.agent import with_passages
from tests.bench.places import CLIENT_CORE, Place, new, ours, pin
from tests.bench.results import Result
from tests.environment import ROOT
from tests.live import clean_environment

SECONDS, ROUNDS, STREAMS = 2.0, 5, 200
MOST_ADDED = 3.0
# A provider thinks before it speaks; a real one ten times as long.
QUICK = {"texts": 20, "first_pause": 0.02, "pause": 0.002}
PACED = {"texts": 20, "first_pause": 0.3, "pause": 0.02}
KEY = "bench-key"
DIRECT, GATEWAY, TURN = "the provider directly", "through apps.gateway", "a whole turn over WebSocket"
LOCAL = "the same with the local agent"
QUESTION = {"type": "agent.message", "payload": {"text": "How do I set a rate limit?"}}
ASKED = {"model": "m", "max_tokens": 10, "stream": True, "messages": [{"role": "user", "content": "Why?"}]}


@contextmanager
def provider(script: dict[str, Any]) -> Iterator[Place]:
    """The fake in a process of its own, on whichever core is free."""
    command = [sys.executable, "-m", "tests.gateway.fakes", json.dumps(script)]
    process = subprocess.Popen(command, cwd=ROOT, env=clean_environment({}), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        os.sched_setaffinity(process.pid, range(os.cpu_count() or 1))
        yield Place(url, process.pid)
    finally:
        process.terminate()
        process.wait(30)


class Streamed(load.Wire):
    """A streamed HTTP answer, event by event."""

    def taken_apart(self) -> list[bytes]:
        *events, self.bytes = self.bytes.split(b"\n\n")
        return events


async def connected(url: str) -> Streamed:
    parts = urlsplit(url)
    _, wire = await asyncio.get_running_loop().create_connection(Streamed, parts.hostname, parts.port)
    return wire


async def ask_directly(wire: Streamed, url: str) -> float:
    began = time.perf_counter()
    wire.transport.write(load.request("POST", f"{url}/v1/messages", KEY, json.dumps(ASKED).encode()))
    await wire.until(b"text_delta")
    first = time.perf_counter() - began
    await wire.until(b"message_stop")
    return first


def directly(place: Place) -> Result:
    async def ask_often() -> Result:
        wire = await connected(place.url)
        return await first_tokens(partial(ask_directly, wire, place.url))

    return load.run(ask_often())


def through_gateway(place: Place) -> Result:
    from apps.gateway.choice import connect
    from apps.gateway.protocol import Delta, Request, Said
    from chatkit.config import Config

    async def ask_often() -> Result:
        chosen = connect(Config(agent="anthropic", anthropic_api_key=KEY, anthropic_base_url=place.url))

        async def ask() -> float:
            began, first = time.perf_counter(), 0.0
            async with aclosing(chosen.ask(Request("", (Said("user", "Why?"),), 10))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Delta) and not first:
                        first = time.perf_counter() - began
            return first

        result = await first_tokens(ask)
        await chosen.provider.close()
        return result

    return load.run(ask_often())


def over_websocket(place: Place) -> Result:
    async def ask_often() -> Result:
        connection = await load.open_socket(place.socket, place.token)

        async def ask() -> float:
            began = time.perf_counter()
            connection.send(json.dumps(QUESTION).encode())
            await connection.until(b"agent.token")
            first = time.perf_counter() - began
            await connection.until(b"agent.completed")
            return first

        return await first_tokens(ask)

    return load.run(ask_often())


async def first_tokens(ask: Callable[[], Any]) -> Result:
    times: list[float] = []

    async def timed() -> None:
        times.append(await ask())

    result = await load.repeat([timed], SECONDS)
    return Result(times, result.seconds)


def crowd_directly(place: Place) -> Result:
    async def all_of_them() -> Result:
        wires = await asyncio.gather(*(connected(place.url) for _ in range(STREAMS)))
        return await at_once([partial(ask_directly, wire, place.url) for wire in wires])

    return load.run(all_of_them())


def crowd_over_websocket(place: Place) -> Result:
    async def all_of_them() -> Result:
        opened = await load.open_sockets(place.socket, place.token, STREAMS)

        async def ask(connection: load.Connection) -> None:
            connection.send(json.dumps(QUESTION).encode())
            end = await connection.until(b"agent.completed", b"agent.failed")
            assert b'"fallback":false' in end, end

        return await at_once([partial(ask, connection) for connection in opened])

    return load.run(all_of_them())


async def at_once(steps: list[Callable[[], Any]]) -> Result:
    """How long each took from the beginning of all to its own end."""
    began = time.perf_counter()

    async def timed(step: Callable[[], Any]) -> float:
        await step()
        return time.perf_counter() - began

    times = await asyncio.gather(*map(timed, steps))
    return Result(list(times), time.perf_counter() - began)


def asking(place: Place) -> dict[str, str]:
    return {"AGENT": "anthropic", "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": place.url, "AGENT_FALLBACK": "none"}


def main(folder: Path) -> None:
    pin(0, CLIENT_CORE)
    with ExitStack() as stack:
        quick = stack.enter_context(provider(QUICK))
        paced = stack.enter_context(provider(PACED))
        served = with_passages(new(folder, "gateway"))
        chatkit = stack.enter_context(ours(served, program="manage.py", **asking(quick)))
        local = stack.enter_context(ours(served, program="manage.py"))
        show_added(quick, chatkit, local)
        crowded = stack.enter_context(ours(new(folder, "gateway-crowd"), program="manage.py", **asking(paced)))
        show_crowd(paced, crowded)


def show_added(quick: Place, chatkit: Place, local: Place) -> None:
    """A turn is also durable and searches, whoever answers: the local agent shows what that takes."""
    inside = Place(quick.url, os.getpid())
    measures = {
        DIRECT: (quick, directly),
        GATEWAY: (inside, through_gateway),
        TURN: (chatkit, over_websocket),
        LOCAL: (local, over_websocket),
    }
    found = results.interleaved(measures, ROUNDS)
    results.show("The first token of a provider, one connection", found, unit="turns", base=DIRECT)
    for name in (GATEWAY, TURN):
        added = found[name].p50 - found[DIRECT].p50
        table.verdict(f"{name} adds at most {MOST_ADDED:g} ms: {added:.1f} ms", is_met=added <= MOST_ADDED)


def show_crowd(paced: Place, crowded: Place) -> None:
    measures = {DIRECT: (paced, crowd_directly), TURN: (crowded, crowd_over_websocket)}
    found = results.interleaved(measures, 3)
    results.show(f"{STREAMS} streams at once, 20 ms a token", found, unit="turns", base=DIRECT)
    table.verdict(f"all {STREAMS} streams ended complete", is_met=True)
