"""The scripted server with what only measuring needs: a looser `synchronous`, and a watch on the event loop."""

import asyncio
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from django.core.management import execute_from_command_line
from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import Gauge

import tests.chat.scripted_server  # noqa: F401 - replaces the agent, and prepares Django
from chatkit import housekeeping
from chatkit.ledger import Database

EVERY = 0.002
late = Gauge("bench_loop_late_seconds", "The longest that the event loop kept anybody waiting.")
busy = Gauge("bench_loop_busy_seconds", "The longest that it worked meanwhile; the rest it waited for a processor.")


async def watch() -> None:
    while True:
        began, worked = time.perf_counter(), time.thread_time()
        await asyncio.sleep(EVERY)
        late.set(max(late._value.get(), time.perf_counter() - began - EVERY))
        busy.set(max(busy._value.get(), time.thread_time() - worked))


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
    housekeeping.accompany(watch)

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
