"""What the server does for itself now and then, so that an owner needs no cron."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from asgiref.sync import ThreadSensitiveContext, sync_to_async

from chatkit import retention
from chatkit.logging import get_logger

log = get_logger(__name__)

HOUR = 3600.0


_companions: list[Callable[[], Awaitable[None]]] = []


def accompany(companion: Callable[[], Awaitable[None]]) -> None:
    """Apps register what runs beside requests for as long as the process serves."""
    _companions.append(companion)


_farewells: list[Callable[[], Awaitable[None]]] = []


def at_the_end(farewell: Callable[[], Awaitable[None]]) -> None:
    """Apps register what has to finish while connections still stand."""
    _farewells.append(farewell)


async def wind_down() -> None:
    """Before connections are closed; twice is as good as once."""
    for farewell in _farewells:
        await farewell()


async def keep_house() -> None:
    await asyncio.gather(prune_hourly(), *(companion() for companion in _companions))


async def prune_hourly() -> None:
    """Prunes about once an hour; the jitter keeps many processes from doing it together."""
    while True:
        await asyncio.sleep(HOUR * random.uniform(0.5, 1.5))  # noqa: S311 - spread, not secrecy
        try:
            async with ThreadSensitiveContext():
                await sync_to_async(prune)()
        except Exception:  # the next hour is another chance, and the server must not stop for it
            log.exception("housekeeping_failed")


def prune() -> None:
    for name, deleted in retention.prune():
        if deleted:
            log.info("pruned", what=name, rows=deleted)
