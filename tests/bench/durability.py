"""What durability costs, what PostgreSQL gains by group commit, and what a stop under load leaves behind."""

import asyncio
import json
import os
import signal
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench import load, results, table
from tests.bench.places import CLIENT_CORE, PROGRAM, Place, new, other, ours, pin
from tests.bench.turns import CONNECTIONS, ENDS, question, turns
from tests.services import Postgres

ROUNDS = 3
TURN = partial(turns, message=question(tokens=20))
LASTING = 1.5  # seconds a turn takes that is running when the server is told to stop
SLOW_READERS, BIG_TURNS = 20, 6


def main(folder: Path) -> None:
    pin(0, CLIENT_CORE)
    show_synchronous(folder)
    show_postgres(folder)
    show_stop(folder)
    show_slow_readers(folder)


def show_synchronous(folder: Path) -> None:
    full, normal = "synchronous=FULL, as ChatKit writes", "synchronous=NORMAL"
    with ExitStack() as stack:
        places = {
            normal: stack.enter_context(ours(new(folder, "normal"), program=PROGRAM, CHATKIT_BENCH_RELAXED="1")),
            full: stack.enter_context(ours(new(folder, "full"), program=PROGRAM)),
        }
        found = results.interleaved({name: (place, TURN) for name, place in places.items()}, 2 * ROUNDS)
    results.show("Safety against power loss (SQLite)", found, unit="turns", base=normal)
    cost = 1 - found[full].per_second / found[normal].per_second
    table.verdict(f"costs at most 15 % of the turns: {cost:.0%}", is_met=cost <= 0.15)


def show_postgres(folder: Path) -> None:
    one_by_one, ledger = "one ORM call a write (10 connections)", "ChatKit"
    with ExitStack() as stack:
        postgres = Postgres(new(folder, "postgres"), fsync="on")
        stack.callback(postgres.stop)
        postgres.start()
        theirs = other("channels-persistent", new(folder, "one-by-one"), DATABASE_URL=postgres.new_database())
        our = ours(new(folder, "postgresql"), DATABASE_URL=postgres.new_database())
        places = {one_by_one: stack.enter_context(theirs), ledger: stack.enter_context(our)}
        measures = {name: (place, TURN) for name, place in places.items()}
        # More of them only wait for each other, some for a quarter of a minute.
        measures[one_by_one] = (places[one_by_one], partial(TURN, connections=10))
        found = results.interleaved(measures, ROUNDS)
    results.show(f"Durable turns on PostgreSQL, {CONNECTIONS} connections", found, unit="turns", base=one_by_one)
    results.at_least(5, one_by_one, found, ledger, one_by_one)


def show_stop(folder: Path) -> None:
    with ours(new(folder, "stop"), SHUTDOWN_GRACE="30") as chatkit:
        codes, completed = load.run(stopped(chatkit, CONNECTIONS))
    print(f"\nA stop while {CONNECTIONS} turns are running")
    print(f"  {completed} turns completed, {codes.count(4012)} sockets closed with 4012")
    table.verdict("every socket gets its close frame", is_met=codes.count(4012) == CONNECTIONS)
    table.verdict("every running turn finishes", is_met=completed == CONNECTIONS)


async def stopped(chatkit: Place, count: int) -> tuple[list[int | None], int]:
    """Stops the server while a turn runs on each socket: the close codes, and how many turns were completed."""
    opened = await load.open_sockets(chatkit.socket, chatkit.token, count)
    for connection in opened:
        connection.send(question(tokens=50, pause=LASTING / 50))
    await asyncio.gather(*(connection.until(b"agent.token") for connection in opened))
    os.kill(chatkit.pid, signal.SIGTERM)
    ends = await asyncio.gather(*(connection.until(*ENDS) for connection in opened))
    await asyncio.gather(*(closed(connection) for connection in opened))
    return [connection.close_code for connection in opened], sum(b"agent.completed" in end for end in ends)


async def closed(connection: load.Connection) -> None:
    try:
        while True:
            await connection.until()
    except ConnectionError:
        return


def show_slow_readers(folder: Path) -> None:
    with ours(new(folder, "slow")) as chatkit:
        kib, offered = load.run(unread(chatkit))
    print(f"\nA reader that reads nothing, out of {SLOW_READERS}, each with {offered / 2**20:.1f} MiB waiting for it")
    print(f"  {'resident memory':<58}{kib:>12,.0f} KiB")
    table.verdict("at most 1 MiB", is_met=kib <= 1024)


async def unread(chatkit: Place) -> tuple[float, int]:
    """Resident memory for each of some sockets that ask for finished turns and read none of it."""
    asker, offered, resumes = await load.open_socket(chatkit.socket, chatkit.token), 0, []
    for _ in range(BIG_TURNS):
        asker.send(question(tokens=30_000))
        ended = await asker.until(*ENDS)
        offered += 2 * len(ended)  # the answer piece by piece, and once more as a whole
        resumes.append({"type": "turn.resume", "payload": {"turn_id": json.loads(ended)["turn_id"], "after_seq": -1}})
    opened = await load.open_sockets(chatkit.socket, chatkit.token, SLOW_READERS)
    before = chatkit.resident_kib()
    for connection in opened:
        connection.transport.pause_reading()
        for resume in resumes:
            connection.send(json.dumps(resume).encode())
    await quiet(chatkit)
    grown = (chatkit.resident_kib() - before) / SLOW_READERS
    for connection in opened:
        connection.transport.resume_reading()
        for _ in resumes:
            await connection.until(*ENDS)
    return grown, offered


async def quiet(chatkit: Place) -> None:
    """Returns once the server has nothing more to do."""
    before = -1.0
    while (spent := chatkit.cpu_seconds()) > before:
        before = spent
        await asyncio.sleep(0.5)
