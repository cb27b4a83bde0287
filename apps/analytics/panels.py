"""The parts of the overview, ready to be shown: key figures, charts with their tables, and tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from apps.analytics import charts
from apps.analytics.buckets import Bucket, distinct, within
from apps.analytics.charts import Point, Series
from apps.analytics.figures import Figures
from apps.analytics.links import Links
from apps.analytics.reports import times

UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table, the rows behind it, and how long its bar is, of a hundred."""

    text: str
    url: str = ""
    share: float | None = None
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""
    note: str = ""
    csv: str = ""

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """The columns, and which of them hold numbers."""
        kinds = [cell.is_number for cell in self.rows[0]] if self.rows else [False] * len(self.columns)
        return list(zip(self.columns, kinds, strict=True))


@dataclass(frozen=True, slots=True)
class Key:
    """A number that leads the page, and how it moved since the period before."""

    name: str
    value: str
    url: str = ""
    note: str = ""
    change: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    note: str
    series: tuple[Series, ...]
    drawings: Mapping[str, SafeString]
    table: Table
    is_wide: bool = False
    csv: str = field(default="")


@dataclass(frozen=True, slots=True)
class Line:
    """One series to be: how it is called, its colour, its value in a bucket, and the rows behind that."""

    name: str
    tone: str
    value: Callable[[Bucket], float | None]
    url: Callable[[Bucket], str] = lambda _: ""
    format: Callable[[float], str] = lambda value: f"{value:,.0f}"


def chart(
    title: str,
    note: str,
    buckets: Sequence[Bucket],
    parts: Sequence[Line],
    *,
    draw: Callable[..., Mapping[str, SafeString]] = charts.bars,
    unit: str = "",
    is_wide: bool = False,
    csv: str = "",
) -> Chart:
    values = {part.name: [part.value(bucket) for bucket in buckets] for part in parts}
    series = tuple(Series(part.name, part.tone, tuple(points(part, buckets, values[part.name]))) for part in parts)
    rows = tuple(
        (Cell(bucket.name, is_number=False), *(cell(part, bucket, values[part.name][at]) for part in parts))
        for at, bucket in enumerate(buckets)
    )
    period = "Day" if all(bucket.period.length == 1 for bucket in buckets) else "Week"
    table = Table(title, (period, *(part.name for part in parts)), rows)
    sizes = ("full", "wide", "narrow") if is_wide else ("wide", "narrow")
    drawings = draw([bucket.label for bucket in buckets], series, unit, sizes)
    return Chart(title, note, series, drawings, table, is_wide, csv)


def points(part: Line, buckets: Sequence[Bucket], values: Sequence[float | None]) -> Iterable[Point]:
    for bucket, value in zip(buckets, values, strict=True):
        says = "" if value is None else f"{bucket.name}: {part.format(value)} {part.name.lower()}"
        yield Point(value, says, part.url(bucket))


def cell(part: Line, bucket: Bucket, value: float | None) -> Cell:
    return Cell(UNKNOWN) if value is None else Cell(part.format(value), part.url(bucket))


STATUSES = (("Answered", "good", "completed"), ("Cancelled", "quiet", "cancelled"), ("Failed", "bad", "failed"))


def turns_chart(figures: Figures, buckets: Sequence[Bucket], links: Links, csv: str) -> Chart:
    def part(name: str, tone: str, status: str) -> Line:
        return Line(
            name,
            tone,
            lambda bucket: within(figures, "turns", bucket.period)[status],
            lambda bucket: links.turns(bucket.period, status__exact=status),
        )

    parts = [part(*status) for status in STATUSES]
    return chart("Questions", "By how their answers ended.", buckets, parts, is_wide=True, csv=csv)


def visitors_chart(figures: Figures, buckets: Sequence[Bucket], links: Links, csv: str) -> Chart:
    def part(name: str, tone: str, of: str) -> Line:
        return Line(
            name,
            tone,
            lambda bucket: distinct(figures, of, bucket.period),
            lambda bucket: links.events(bucket.period, **WHO[of]),
        )

    parts = [part("Signed in", "second", "people"), part("Visitors", "first", "visitors")]
    return chart("Who was there", "Everybody counts once a column.", buckets, parts, csv=csv)


# As events tell visitors from people who were signed in.
WHO: dict[str, dict[str, object]] = {
    "visitors": {"visitor__isnull": False},
    "people": {"user__isnull": False, "visitor__isnull": True},
}


def speed_chart(figures: Figures, buckets: Sequence[Bucket], links: Links, csv: str) -> Chart:
    def part(name: str, tone: str, of: str, share: str) -> Line:
        def value(bucket: Bucket) -> float | None:
            found: float | None = getattr(times(within(figures, of, bucket.period)), share)
            return None if found is None else found / 1000

        return Line(name, tone, value, lambda bucket: links.turns(bucket.period), lambda value: seconds(value * 1000))

    parts = [
        part("First word, slowest 5 %", "second", "first_token", "p95"),
        part("First word, typical", "first", "first_token", "p50"),
        part("Whole answer, typical", "quiet", "total", "p50"),
    ]
    note = "Seconds from the question to the first word and to the end of an answer."
    return chart("Speed", note, buckets, parts, draw=charts.lines, unit=" s", csv=csv)


def feedback_chart(figures: Figures, buckets: Sequence[Bucket], links: Links, csv: str) -> Chart:
    def part(name: str, tone: str, of: str, rating: int) -> Line:
        return Line(
            name,
            tone,
            lambda bucket: within(figures, "feedback", bucket.period)[of],
            lambda bucket: links.listed("chat.feedback", bucket.period, rating__exact=rating),
        )

    parts = [part("Thumbs up", "good", "up", 1), part("Thumbs down", "bad", "down", -1)]
    return chart("Feedback", "Thumbs given on these days.", buckets, parts, csv=csv)


def seconds(milliseconds: float | None) -> str:
    """As short as it may be read: 45 ms, 1.2 s, 2 min 5 s."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds / 60_000:.0f} min {milliseconds / 1000 % 60:.0f} s"


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else UNKNOWN


def shares(counts: Iterable[int]) -> list[float]:
    """How long each bar is, of a hundred: the longest has them all."""
    kept = list(counts)
    most = max(kept, default=0)
    return [round(100 * count / most, 1) if most else 0.0 for count in kept]
