"""Errors that clients were told, as one event a minute, transport and code: a flood of them makes no flood of rows."""

import asyncio
from collections import Counter

from apps.analytics.recording import leave, lost, noticed
from chatkit import metrics
from chatkit.errors import ChatKitError

EVERY = 60.0

_noted: Counter[tuple[str, str]] = Counter()


def tell() -> None:
    """What this process told since the last time."""
    for (transport, code), total in told().items():
        if count := total - _noted[transport, code]:
            _noted[transport, code] = total
            try:
                leave(noticed("errors_told", transport=transport, code=code, count=count))
            except ChatKitError as failure:
                lost(failure)


def told() -> dict[tuple[str, str], int]:
    samples = (sample for metric in metrics.errors_told.collect() for sample in metric.samples)
    return {
        (sample.labels["transport"], sample.labels["code"]): int(sample.value)
        for sample in samples
        if sample.name.endswith("_total")
    }


async def keep_telling() -> None:
    """Runs beside requests."""
    while True:
        await asyncio.sleep(EVERY)
        tell()


async def tell_the_rest() -> None:
    tell()
