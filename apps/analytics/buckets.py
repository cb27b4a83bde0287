"""The columns of a chart: the days of a short period, the weeks of a long one."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from apps.analytics.figures import Figures
from apps.analytics.periods import ONE_DAY, Period

MOST_DAYS = 92
WEEK = 7


@dataclass(frozen=True, slots=True)
class Bucket:
    period: Period
    has_year: bool

    @property
    def label(self) -> str:
        first = self.period.first
        return f"{first:%b} {first.day}{f' {first.year}' if self.has_year else ''}"

    @property
    def name(self) -> str:
        """In full, for tables and for what a point says."""
        first, last = self.period.first, self.period.last
        return named(first) if first == last else f"{named(first)} to {named(last)}"


def named(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def buckets_of(period: Period) -> tuple[Bucket, ...]:
    length = 1 if period.length <= MOST_DAYS else WEEK
    has_year = period.first.year != period.last.year and length == 1
    return tuple(Bucket(part, has_year) for part in parts(period, length))


def parts(period: Period, length: int) -> Iterator[Period]:
    first = period.first
    while first <= period.last:
        yield Period(first, min(first + (length - 1) * ONE_DAY, period.last))
        first += length * ONE_DAY


def within(figures: Figures, name: str, period: Period) -> "Counter[str]":
    """The numbers of some of the days, added up."""
    found: Counter[str] = Counter()
    for day in period.days():
        found.update(figures.of(name, day))
    return found


def distinct(figures: Figures, name: str, period: Period) -> int:
    """Each once in these days: who was seen before within them has been counted there already."""
    first = str(period.first)
    return sum(count for seen_before, count in within(figures, name, period).items() if seen_before < first)
