"""Group commit: what many writers hand in during one tick is committed together, in order, in one transaction.

Whoever awaits `ledger.write(…)` goes on after the commit, with what was written safe against `kill -9` and, on SQLite,
against power loss too. An entry the database refuses fails its own writer and nobody else's.

    await ledger.write(message, turn)                                       # model instances are inserted
    await ledger.write(Insert(TurnEvent, {"turn_id": turn.id, "seq": 0}))   # so are plain rows, for less
    await ledger.write(Change(Turn, {"id": turn.id}, {"status": "done"}))   # rows are changed
    await ledger.write(Change(Turn, {"id": …, "status": "running"}, {…}, must_match=True), reply)
"""

import asyncio
import atexit
import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from chatkit import metrics
from chatkit.entries import Entry, execute
from chatkit.errors import DatabaseUnavailable, ServerAtCapacity
from chatkit.logging import get_logger

log = get_logger(__name__)

LARGEST_BATCH = 512  # writers in one transaction: more gains nothing and makes the first of them wait
LARGEST_QUEUE = 20_000  # writers waiting; past it newcomers are refused, because memory has an end
CHECKPOINT_AFTER = 4_000  # writers committed before the write-ahead log is folded back
PATIENCE = 30.0  # seconds that a blocking writer waits for its commit, and that closing waits for the queue


# Runs on the ledger's connection inside the transaction, before the writer's entries go in: what it finds still holds
# when they are committed. Raising refuses the writer, and what it returns is what `write` returns.
Check = Callable[[], Any]


@dataclass(slots=True)
class Writer:
    """One call of `write`: what it handed in, and whom to tell."""

    entries: tuple[Entry, ...]
    future: "asyncio.Future[Any] | Future[Any]"
    loop: asyncio.AbstractEventLoop | None
    check: Check | None = None
    result: Any = None
    failure: BaseException | None = None


class LostConnection(Exception):
    """The database went away. `was_committing` says whether it may have kept the batch all the same."""

    def __init__(self, *, was_committing: bool) -> None:
        self.was_committing = was_committing
        super().__init__()


class Ledger:
    """One thread, one connection, one transaction at a time. Usable from event loops and from plain threads."""

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._alias = alias
        self._queue: deque[Writer] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._state: Literal["open", "closing", "closed"] = "open"
        self._since_checkpoint = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def is_stopped(self) -> bool:
        return self._state != "open"

    async def write(self, *entries: Entry, check: Check | None = None) -> Any:
        """Returns after the commit; raises what the check or the database had against these entries."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if check is not None:
            # Refusals are logged and noted with the request they belong to, although another thread makes them.
            check = partial(contextvars.copy_context().run, check)
        self._hand_in(Writer(entries, future, loop, check))
        return await future

    def write_blocking(self, *entries: Entry) -> None:
        """`write` for threads without an event loop."""
        future: Future[None] = Future()
        self._hand_in(Writer(entries, future, None))
        future.result(PATIENCE)

    def leave(self, *entries: Entry) -> "Future[None]":
        """Hands in without waiting for the commit: for what nobody is told and may be lost with the process."""
        future: Future[None] = Future()
        self._hand_in(Writer(entries, future, None))
        return future

    def open(self) -> None:
        """Undoes `close`, for processes that serve, stop and serve again, as tests do."""
        with self._wake:
            self._state = "open"

    def close(self) -> None:
        """Commits what is waiting, refuses what comes later, and gives the connection back."""
        with self._wake:
            self._state = "closing"
            thread = self._thread
            self._wake.notify_all()
        if thread is not None:
            thread.join(PATIENCE)
        self._state = "closed"

    def _hand_in(self, writer: Writer) -> None:
        with self._wake:
            if self._state != "open" or len(self._queue) >= LARGEST_QUEUE:
                metrics.ledger_failures.labels("capacity").inc()
                raise ServerAtCapacity
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
                self._thread.start()
            self._queue.append(writer)
            if len(self._queue) == 1:
                self._wake.notify()

    def _work(self) -> None:
        database = Database(self._alias)
        try:
            while batch := self._next_batch():
                began = time.perf_counter()
                self._commit(database, batch)
                tell(batch)
                measure(batch, time.perf_counter() - began, len(self._queue))
                self._checkpoint(database, len(batch))
        finally:
            database.close()

    def _next_batch(self) -> list[Writer]:
        """What has gathered while the last batch was committed; empty once the ledger closes."""
        with self._wake:
            while not self._queue and self._state == "open":
                self._wake.wait()
            return [self._queue.popleft() for _ in range(min(len(self._queue), LARGEST_BATCH))]

    def _commit(self, database: "Database", batch: list[Writer]) -> None:
        """However it ends, each writer of the batch is either safe or has its failure."""
        try:
            try:
                database.commit(batch)
            except LostConnection as lost:
                if lost.was_committing:
                    raise
                log.warning("ledger_reconnects", writers=len(batch))
                database.commit(batch)
        except LostConnection as lost:
            log.error("ledger_lost_database", writers=len(batch), was_committing=lost.was_committing)
            for writer in batch:
                fail(writer, DatabaseUnavailable())
        except Exception:  # some entry is at fault; alone, each writer meets its own error
            self._commit_each(database, batch)

    def _commit_each(self, database: "Database", batch: list[Writer]) -> None:
        for writer in batch:
            writer.failure = None
            try:
                database.commit([writer])
            except LostConnection:
                fail(writer, DatabaseUnavailable())
            except Exception as exc:  # handed to the writer, who alone knows what it means
                fail(writer, exc)

    def _checkpoint(self, database: "Database", writers: int) -> None:
        self._since_checkpoint += writers
        is_due = self._since_checkpoint >= CHECKPOINT_AFTER and not self._queue
        if is_due or self._since_checkpoint >= 10 * CHECKPOINT_AFTER:
            database.checkpoint()
            self._since_checkpoint = 0


class Database:
    """The ledger's own connection, opened when needed and reopened when lost."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    @property
    def connection(self) -> BaseDatabaseWrapper:
        connection: BaseDatabaseWrapper = connections[self._alias]
        if connection.connection is None:
            connection.ensure_connection()
            if connection.vendor == "sqlite":
                with connection.cursor() as cursor:
                    cursor.execute("PRAGMA synchronous=FULL")
                    # Folding the log back inside a commit would make its writers wait: `checkpoint` does it between.
                    cursor.execute("PRAGMA wal_autocheckpoint=0")
        return connection

    def commit(self, batch: list[Writer]) -> None:
        is_committing = False
        try:
            with transaction.atomic(using=self.connection.alias):
                accepted = [writer for writer in batch if is_accepted(writer)]
                execute(self.connection, (entry for writer in accepted for entry in writer.entries))
                is_committing = True
        except (OperationalError, InterfaceError) as exc:
            log.warning("ledger_commit_failed", exc_info=True)
            self.close()
            raise LostConnection(was_committing=is_committing) from exc

    def checkpoint(self) -> None:
        if self.connection.vendor == "sqlite":
            with self.connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        connections[self._alias].close()


def is_accepted(writer: Writer) -> bool:
    if writer.check is None:
        return True
    try:
        writer.result, writer.failure = writer.check(), None
    except DatabaseError:
        raise
    except Exception as refusal:  # the writer's own, handed to it
        fail(writer, refusal)
        return False
    return True


def fail(writer: Writer, failure: BaseException) -> None:
    writer.failure = failure
    metrics.ledger_failures.labels(type(failure).__name__).inc()


def tell(batch: list[Writer]) -> None:
    """Wakes each event loop once for all its writers: a wake-up costs more than a row."""
    loops: dict[asyncio.AbstractEventLoop, list[Writer]] = {}
    for writer in batch:
        if writer.loop is None:
            settle([writer])
        else:
            loops.setdefault(writer.loop, []).append(writer)
    for loop, writers in loops.items():
        try:
            loop.call_soon_threadsafe(settle, writers)
        except RuntimeError:
            log.warning("ledger_writers_gone", writers=len(writers))  # their loop has closed; the rows are safe


def settle(writers: list[Writer]) -> None:
    for writer in writers:
        if writer.future.done():
            continue  # cancelled while waiting; what it wrote stays
        if writer.failure is None:
            writer.future.set_result(writer.result)
        else:
            writer.future.set_exception(writer.failure)


def measure(batch: list[Writer], seconds: float, waiting: int) -> None:
    metrics.ledger_rows.inc(sum(len(writer.entries) for writer in batch if writer.failure is None))
    metrics.ledger_batch.observe(len(batch))
    metrics.ledger_seconds.observe(seconds)
    metrics.ledger_queue.set(waiting)


ledger = Ledger()
atexit.register(ledger.close)
