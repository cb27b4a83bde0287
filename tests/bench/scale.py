"""Slow ones, for `make bench-full`: a second process, and a database with a million messages."""

import shutil
import sqlite3
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from tests.bench import load, results, table
from tests.bench.places import CLIENT_CORE, Place, new, ours, pin
from tests.bench.turns import CONNECTIONS, question, turns
from tests.services import Postgres, Redis

ROUNDS, FEW, MANY = 5, 1_000, 1_000_000
TURN = partial(turns, message=question(tokens=20))
IDS = {"id", "conversation_id", "question_id", "reply_id"}


def main(folder: Path) -> None:
    pin(0, CLIENT_CORE)
    show_many_messages(folder)
    show_second_process(folder)


def show_many_messages(folder: Path) -> None:
    few, many = f"{FEW:,} stored messages", f"{MANY:,} stored messages"
    with ours(new(folder, "few")) as chatkit:
        load.run(ask_turns(chatkit, FEW // 2))
        token = chatkit.token
    shutil.copytree(folder / "few", folder / "many", symlinks=True)
    multiply(folder / "many" / "data" / "chatkit.sqlite3")
    with ExitStack() as stack:
        places = {
            name: Place((place := stack.enter_context(ours(folder / kept))).url, place.pid, token)
            for name, kept in ((few, "few"), (many, "many"))
        }
        found = results.interleaved({name: (place, TURN) for name, place in places.items()}, ROUNDS)
    results.show("A turn beside what is stored (SQLite)", found, unit="turns", base=few)
    cost = found[many].cpu_ms / found[few].cpu_ms
    table.verdict(f"at most 1.2 × the cost: {cost:.2f} × by processor time", is_met=cost <= 1.2)


async def ask_turns(place: Place, count: int) -> None:
    connection = await load.open_socket(place.socket, place.token)
    for _ in range(count):
        connection.send(question(tokens=20))
        await connection.until(b"agent.completed")
    connection.close()


def multiply(path: Path) -> None:
    """Copies of all that is there: each gets keys of its own, older ones, that point to each other as before."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous=OFF")
        for name in ("chat_conversation", "chat_message", "chat_turn"):
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
            copied = [f"printf('%08x', n) || substr({each}, 9)" if each in IDS else each for each in columns]
            database.execute(
                f"WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {MANY // FEW - 1}) "  # noqa: S608
                f"INSERT INTO {name} SELECT {', '.join(copied)} FROM {name}, copy"
            )
        database.commit()
        stored = database.execute("SELECT count(*) FROM chat_message").fetchone()[0]
        assert stored >= MANY, stored
        database.execute("PRAGMA optimize")


def show_second_process(folder: Path) -> None:
    one, two = "one process", "two processes"
    with ExitStack() as stack:
        postgres, redis = Postgres(new(folder, "postgres-scale"), fsync="on"), Redis(new(folder, "redis-scale"))
        for service in (postgres, redis):
            stack.callback(service.stop)
            service.start()
        shared = {"REDIS_URL": redis.url, "is_pinned": False}
        places = {
            one: stack.enter_context(ours(new(folder, "one"), DATABASE_URL=postgres.new_database(), **shared)),
            two: stack.enter_context(
                ours(new(folder, "two"), workers=2, DATABASE_URL=postgres.new_database(), **shared)
            ),
        }
        found = results.interleaved({name: (place, TURN) for name, place in places.items()}, ROUNDS)
    results.show(f"PostgreSQL and Redis, {CONNECTIONS} connections, all on these cores", found, unit="turns", base=one)
    gained, could = found[two].per_second / found[one].per_second, 2 * results.speed(found, two, one)
    print(f"  A turn costs both together what lets two cores of their own do {could:.2f} × the turns of one.")
    table.verdict(f"a second process brings at least 1.7 ×: {gained:.2f} × on these cores", is_met=gained >= 1.7)
