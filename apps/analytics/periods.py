"""Days as the owner's clock has them: where each begins and ends, also when the clock is turned."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from chatkit.errors import InvalidRequest

LONGEST = 1_100
USUAL = 30
EARLIEST = date(2000, 1, 1)
ONE_DAY = timedelta(days=1)


def zone() -> ZoneInfo:
    return ZoneInfo(settings.CHATKIT.report_time_zone)


def today() -> date:
    return day_of(timezone.now())


def day_of(moment: datetime) -> date:
    return moment.astimezone(zone()).date()


def begin_of(day: date) -> datetime:
    """Midnight, or the first moment of a day whose midnight the turning of the clock leaves out."""
    return datetime(day.year, day.month, day.day, tzinfo=zone()).astimezone(UTC)


def end_of(day: date) -> datetime:
    """The first moment that is not in it any more."""
    return begin_of(day + ONE_DAY)


@dataclass(frozen=True, slots=True)
class Period:
    """Some days, the first and the last included."""

    first: date
    last: date

    @classmethod
    def of_last(cls, days: int) -> "Period":
        """That many days, of which today is the last."""
        return cls(today() - (days - 1) * ONE_DAY, today())

    @property
    def begin(self) -> datetime:
        return begin_of(self.first)

    @property
    def end(self) -> datetime:
        return end_of(self.last)

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days, just before: what to compare with."""
        return Period(self.first - self.length * ONE_DAY, self.first - ONE_DAY)

    def days(self) -> Iterator[date]:
        return (self.first + number * ONE_DAY for number in range(self.length))


def period_of(asked_from: str | None, asked_to: str | None, asked_days: str | None) -> Period:
    """What a query asks for: `from` and `to`, or the last `days`; thirty days where it does not say."""
    last = read_day("to", asked_to) or today()
    first = read_day("from", asked_from)
    if first is None:
        first = last - (read_days(asked_days) - 1) * ONE_DAY
    if first > last:
        raise InvalidRequest.of({"from": ["Must not be later than `to`."]})
    if (last - first).days >= LONGEST:
        raise InvalidRequest.of({"from": [f"A period may have {LONGEST} days."]})
    return Period(first, last)


def read_day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as exc:
        raise InvalidRequest.of({name: ["Must be a day such as 2026-03-01."]}) from exc
    if not EARLIEST <= day <= today() + ONE_DAY:
        raise InvalidRequest.of({name: ["Must be a day since 2000, and not to come."]})
    return day


def read_days(text: str | None) -> int:
    if text is None:
        return USUAL
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LONGEST:
        raise InvalidRequest.of({"days": [f"Must be a whole number from 1 to {LONGEST}."]})
    return int(text)
