"""The scripted server with what only measuring needs: a looser `synchronous`, and a watch on the event loop."""

import asyncio
import os
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from django.core.management import execute_from_command_line
from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import Gauge

import tests.chat.scripted_server  # noqa: F401 - replaces the agent, and prepares Django
from chatkit import housekeeping, server
from chatkit.ledger import Database

EVERY = 0.002
late = Gauge("bench_loop_late_seconds", "The longest that the event loop kept anybody waiting.")
step = Gauge("bench_loop_step_seconds", "The longest that one step of one task worked; what waits for it cannot go on.")


async def watch() -> None:
    await asyncio.sleep(0.5)
    step.set(0)  # what came before was the start
    while True:
        began = time.perf_counter()
        await asyncio.sleep(EVERY)
        note(late, time.perf_counter() - began - EVERY)


def note(gauge: Gauge, seconds: float) -> None:
    if seconds > gauge._value.get():
        gauge.set(seconds)


def time_steps() -> None:
    """On asyncio's own loop, which runs each step through one function; uvloop offers no place to look."""
    run = asyncio.Handle._run
    server.uvicorn_options = partial(lambda options: {**options(), "loop": "asyncio"}, server.uvicorn_options)

    def timed(handle: asyncio.Handle) -> None:
        # The processor's time, so that the machine's other work does not count.
        began = time.thread_time()
        run(handle)
        note(step, time.thread_time() - began)

    asyncio.Handle._run = timed  # type: ignore[method-assign]


def relax() -> None:
    """The ledger without a wait for the disk, as Django's own connections are."""
    strict, relaxed = Database.connection, set[int]()

    def connection(database: Database) -> BaseDatabaseWrapper:
        made = strict.__get__(database)
        if id(made.connection) not in relaxed:
            relaxed.add(id(made.connection))
            with made.cursor() as cursor:
                cursor.execute("PRAGMA synchronous=NORMAL")
        return made

    Database.connection = property(connection)  # type: ignore[assignment]


if "CHATKIT_BENCH_RELAXED" in os.environ:
    relax()
if "CHATKIT_BENCH_WATCH" in os.environ:
    time_steps()
    housekeeping.accompany(watch)

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
