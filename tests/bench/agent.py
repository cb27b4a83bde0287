"""Turns of the local agent, which searches two thousand passages, and turns that speak at the pace of a model."""

import asyncio
import itertools
import json
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench import load, results, table
from tests.bench.knowledge import PAGES, questions
from tests.bench.places import CLIENT_CORE, SETTINGS, Place, allow_many_files, new, other, ours, pin
from tests.bench.results import Result
from tests.bench.retrieval import write_copies
from tests.bench.servers import PACE, TOKENS
from tests.bench.turns import CONNECTIONS, ENDS, FLOOR, question, turns
from tests.live import run_manage

SECONDS, ROUNDS, PACED = 1.5, 5, 500
LOCAL = "ChatKit's local agent"


def asked() -> list[bytes]:
    return [
        json.dumps({"type": "agent.message", "payload": {"text": question.text}}).encode() for question in questions()
    ]


def answers(place: Place) -> Result:
    """Each connection asks one real question after the other."""

    async def all_of_them() -> Result:
        opened = await load.open_sockets(place.socket, place.token, CONNECTIONS)
        everything = itertools.cycle(asked())

        async def ask(connection: load.Connection) -> None:
            connection.send(next(everything))
            await connection.until(*ENDS)

        result = await load.repeat([partial(ask, connection) for connection in opened], SECONDS)
        for connection in opened:
            connection.close()
        return result

    return load.run(all_of_them())


def first_tokens(place: Place) -> Result:
    """One connection, and how long it waits for the first token."""
    times: list[float] = []

    async def all_of_them() -> Result:
        connection = await load.open_socket(place.socket, place.token)
        everything = itertools.cycle(asked())

        async def ask() -> None:
            connection.send(next(everything))
            began = time.perf_counter()
            await connection.until(b"agent.token")
            times.append(time.perf_counter() - began)
            await connection.until(*ENDS)

        result = await load.repeat([ask], SECONDS)
        connection.close()
        return Result(times, result.seconds)

    return load.run(all_of_them())


def paced(place: Place) -> Result:
    """One turn on each of many connections, all begun at once."""

    async def all_of_them() -> Result:
        opened = await load.open_sockets(place.socket, place.token, PACED)

        async def ask(connection: load.Connection) -> float:
            began = time.perf_counter()
            connection.send(question(tokens=TOKENS, pause=PACE))
            await connection.until(*ENDS)
            return time.perf_counter() - began

        began = time.perf_counter()
        times = await asyncio.gather(*map(ask, opened))
        seconds = time.perf_counter() - began
        for connection in opened:
            connection.close()
        return Result(list(times), seconds)

    return load.run(all_of_them())


def main(folder: Path) -> None:
    pin(0, CLIENT_CORE)
    allow_many_files()
    with ExitStack() as stack:
        floor = stack.enter_context(other("floor", new(folder, "agent-floor")))
        chatkit = stack.enter_context(ours(with_passages(new(folder, "agent"))))
        show_answers(floor, chatkit)
        show_first_tokens(chatkit)
        show_paced(floor, chatkit)


def with_passages(folder: Path) -> Path:
    write_copies(folder / "pages")
    environment = {**SETTINGS, "DATA_DIR": str(folder / "data"), "SECRET_KEY": "b" * 50}
    for command in (["migrate"], ["ingest", str(PAGES), str(folder / "pages")]):
        run_manage(*command, environment=environment, timeout=300).check_returncode()
    return folder


def show_answers(floor: Place, chatkit: Place) -> None:
    measures = {FLOOR: (floor, partial(turns, message=question(tokens=TOKENS))), LOCAL: (chatkit, answers)}
    found = results.interleaved(measures, ROUNDS)
    results.show(f"Real questions, {CONNECTIONS} connections", found, unit="turns", base=FLOOR)
    results.at_least(0.25, "the floor", found, LOCAL, FLOOR)


def show_first_tokens(chatkit: Place) -> None:
    found = results.interleaved({LOCAL: (chatkit, first_tokens)}, ROUNDS)
    results.show("The first token of a real answer, one connection", found, unit="turns", base=LOCAL)
    table.verdict(f"p50 within 5 ms: {found[LOCAL].p50:.1f} ms", is_met=found[LOCAL].p50 <= 5)


def show_paced(floor: Place, chatkit: Place) -> None:
    found = results.interleaved({FLOOR: (floor, paced), "ChatKit": (chatkit, paced)}, ROUNDS)
    results.show(f"{PACED} turns at once, {1000 * PACE:.0f} ms a token", found, unit="turns", base=FLOOR)
    # Pure pacing takes 400 ms, where one core can send 25,000 frames a second; the floor says what it does here.
    ratio = found["ChatKit"].p99 / found[FLOOR].p99
    table.verdict(f"p99 at most 1.25 × what the floor makes of that pace: {ratio:.2f} ×", is_met=ratio <= 1.25)
