"""Group commit beside one commit a row, on the same connection settings."""

import asyncio
import uuid
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection

from apps.throttling.models import Counter
from chatkit.ledger import Ledger
from tests.bench import table

NOW = datetime.now(UTC)
WRITERS = 50


def row() -> Counter:
    return Counter(action="bench", subject=uuid.uuid4().hex, started_at=NOW, expires_at=NOW)


def one_commit_a_row(rows: int = 400) -> int:
    """Django as documented: each save is its own transaction, as durable as the ledger's."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=FULL")
    for _ in range(rows):
        row().save(force_insert=True)
    connection.close()
    return rows


async def write(ledger: Ledger, rows: int) -> None:
    async def writer() -> None:
        for _ in range(rows // WRITERS):
            await ledger.write(row())

    await asyncio.gather(*(writer() for _ in range(WRITERS)))


def through_the_ledger(rows: int = 10_000) -> int:
    ledger = Ledger()
    asyncio.run(write(ledger, rows))
    ledger.close()
    return rows


def main(folder: Path) -> None:
    ours, theirs = f"ledger, {WRITERS} writers", "one commit a row"
    rates = table.interleaved({theirs: one_commit_a_row, ours: through_the_ledger})
    table.show("Rows made durable (SQLite, synchronous=FULL)", rates, unit="rows/s", base=theirs)
    table.verdict("the ledger writes at least five times the rows", is_met=rates[ours] >= 5 * rates[theirs])
