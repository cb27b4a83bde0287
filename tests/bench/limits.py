"""What counting one call costs."""

from pathlib import Path

from django.db import connection

from apps.throttling import limits
from chatkit.statements import in_sqlite
from tests.bench import table


def allowed(calls: int = 5_000) -> int:
    """Each caller's window is fresh or has room."""
    for number in range(calls):
        limits.consume(f"user:{number % 500}", "chat_full")
    return calls


def refused(calls: int = 5_000) -> int:
    for _ in range(calls):
        limits.consume("user:refused", "save_chat")
    return calls


def bare(calls: int = 5_000) -> int:
    """The statement and nothing else: what SQLite itself can do on this machine at this moment."""
    sql = in_sqlite(limits.statement(limits.CONSUME, "sqlite"))
    for number in range(calls):
        connection.connection.execute(sql, (f"user:{number % 500}", "bare", 100, 60)).fetchone()
    return calls


def main(folder: Path) -> None:
    rates = table.interleaved({"the statement alone": bare, "consume, with room": allowed, "consume, refused": refused})
    table.show("Limits counted (SQLite, one thread)", rates, unit="calls/s", base="the statement alone")
    table.verdict("at least 20,000 calls a second", is_met=min(rates.values()) >= 20_000)
