"""The numbers of a period: kept ones for the days that are over, counted ones for the rest."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from apps.analytics import rollup
from apps.analytics.models import Day, Figure
from apps.analytics.periods import Period, today
from apps.analytics.tallies import tally

# Who opens a report waits for so many days to be added up; a server that just learned of more does it beside.
COUNTED_AT_ONCE = 7
Days = Mapping[date, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """By name, day and key. `waiting` says how many days are not in it yet."""

    period: Period
    numbers: Mapping[str, Days]
    waiting: int = 0

    def of(self, name: str, day: date) -> Mapping[str, int]:
        return self.numbers.get(name, {}).get(day, {})

    def by_key(self, name: str) -> "Counter[str]":
        """Over all days."""
        found: Counter[str] = Counter()
        for keys in self.numbers.get(name, {}).values():
            found.update(keys)
        return found

    def names(self, beginning: str) -> Iterator[str]:
        return (name for name in self.numbers if name.startswith(beginning))


def figures_of(period: Period) -> Figures:
    numbers: dict[str, dict[date, Mapping[str, int]]] = defaultdict(dict)
    for day, name, counted in kept(period):
        numbers[name][day] = counted
    missing = uncounted(period)
    for day in missing[-COUNTED_AT_ONCE:]:
        found = rollup.roll(day) if rollup.is_over(day) else tally(day)
        for name, keys in found.items():
            numbers[name][day] = keys
    return Figures(period, numbers, max(0, len(missing) - COUNTED_AT_ONCE))


def kept(period: Period) -> Iterator[tuple[date, str, dict[str, int]]]:
    rows = Figure.objects.filter(day_id__gte=period.first, day_id__lte=period.last).order_by()
    return rows.values_list("day_id", "name", "numbers").iterator(chunk_size=5_000)


def uncounted(period: Period) -> list[date]:
    """Days of the period that have rows and no figures, today among them."""
    begin = rollup.earliest()
    if begin is None:
        return []
    known = set(Day.objects.filter(day__range=(period.first, period.last)).values_list("day", flat=True))
    return [day for day in period.days() if day not in known and begin <= day <= today()]
