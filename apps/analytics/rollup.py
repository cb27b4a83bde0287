"""Days that are over, added up once: reports read figures, and rows may be deleted when their time has passed."""

import asyncio
import random
from collections.abc import Iterator
from datetime import date, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Min
from django.utils import timezone

from apps.analytics import periods, questions
from apps.analytics.models import Day, Event, Figure
from apps.analytics.periods import ONE_DAY, day_of, end_of
from apps.analytics.tallies import Tally, tally
from apps.chat.models import Turn
from chatkit.logging import get_logger
from chatkit.threads import in_thread

log = get_logger(__name__)

# What began before midnight has ended by then, and what was on its way to the database has arrived.
SETTLES_WITHIN = timedelta(hours=1)
EVERY = 300.0


def is_over(day: date) -> bool:
    return timezone.now() >= end_of(day) + SETTLES_WITHIN


def roll(day: date) -> Tally:
    """Adds up one day that is over and keeps the figures. Again gives the same, while the rows are there."""
    found = tally(day)
    with transaction.atomic():
        known = {"time_zone": str(periods.zone()), "rolled_at": timezone.now()}
        # Of two processes that roll the same day, the second waits here.
        Day.objects.update_or_create(day=day, defaults=known)
        Figure.objects.filter(day_id=day).delete()
        Figure.objects.bulk_create(Figure(day_id=day, name=name, numbers=found[name]) for name in found)
    return found


def pending() -> Iterator[date]:
    """Days that are over and not added up, oldest first."""
    begin = earliest()
    if begin is None:
        return
    known = set(Day.objects.filter(day__gte=begin).values_list("day", flat=True))
    day = begin
    while is_over(day):
        if day not in known:
            yield day
        day += ONE_DAY


def earliest() -> date | None:
    """The day of the first row there is; days before it keep the figures they have."""
    first = (
        Event.objects.aggregate(first=Min("created_at"))["first"],
        Turn.objects.aggregate(first=Min("created_at"))["first"],
    )
    return min((day_of(moment) for moment in first if moment is not None), default=None)


def catch_up() -> int:
    """Adds up all days that wait for it, and says how many."""
    questions.catch_up()
    days = list(pending())
    for day in days:
        roll(day)
    return len(days)


async def catch_up_by_pieces() -> int:
    """`catch_up`, so that a server that stops waits for the piece at hand and not for years of history."""
    while await in_thread(questions.catch_up, questions.AT_ONCE):
        pass
    days = await in_thread(lambda: list(pending()))
    for day in days:
        await in_thread(roll, day)
    return len(days)


async def keep_up() -> None:
    """Runs beside requests."""
    while True:
        try:
            if rolled := await catch_up_by_pieces():
                log.info("days_rolled_up", days=rolled)
        except DatabaseError:
            log.warning("rollup_missed", exc_info=True)
        # The jitter keeps many processes from doing it together; if they do, the result is the same.
        await asyncio.sleep(EVERY * random.uniform(0.5, 1.5))  # noqa: S311 - spread, not secrecy
