"""A process that writes through the ledger and says what was confirmed, until it is killed."""

import argparse
import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatkit.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - apps must be ready first

from apps.throttling.models import Counter  # noqa: E402
from chatkit.errors import ChatKitError  # noqa: E402
from chatkit.ledger import ledger  # noqa: E402

NOW = datetime.now(UTC)


def row(subject: str) -> Counter:
    return Counter(action="test", subject=subject, started_at=NOW, expires_at=NOW)


async def write_for_ever() -> None:
    while True:
        subjects = [uuid.uuid4().hex for _ in range(5)]
        await ledger.write(*map(row, subjects))
        print(*subjects, flush=True)


async def announce_each() -> None:
    saved = 0
    while True:
        try:
            await ledger.write(row(uuid.uuid4().hex))
            print("saved", saved, flush=True)
            saved += 1
        except ChatKitError as error:
            print(type(error).__name__, flush=True)
        await asyncio.to_thread(sys.stdin.readline)


async def main(writers: int) -> None:
    await asyncio.gather(*(write_for_ever() for _ in range(writers)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--writers", type=int, default=1)
    parser.add_argument("--announce", action="store_true")
    options = parser.parse_args()
    if options.announce:
        call_command("migrate", verbosity=0)
        asyncio.run(announce_each())
    else:
        sys.stdin.readline()
        asyncio.run(main(options.writers))
