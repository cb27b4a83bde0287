"""What a round of load found, several of them beside each other, and how they are printed."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench import table
from tests.bench.places import Place

Measure = Callable[[Place], "Result"]


@dataclass
class Result:
    """How long each piece took, how long all of them, and what they cost the server's processors."""

    times: list[float]
    seconds: float
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Summary:
    """Several rounds as one: medians of the rounds, and the processor's time over all of them."""

    per_second: float
    p50: float
    p95: float
    p99: float
    cpu_ms: float


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def summary(rounds: Sequence[Result]) -> Summary:
    ordered = [sorted(result.times) for result in rounds]
    middle = statistics.median
    return Summary(
        middle(len(result.times) / result.seconds for result in rounds),
        *(middle(percentile(times, share) for times in ordered) for share in (0.5, 0.95, 0.99)),
        1000 * sum(result.cpu_seconds for result in rounds) / sum(len(result.times) for result in rounds),
    )


def one_round(place: Place, measure: Measure) -> Result:
    before = place.cpu_seconds()
    result = measure(place)
    result.cpu_seconds = place.cpu_seconds() - before
    return result


def interleaved(measures: Mapping[str, tuple[Place, Measure]], rounds: int) -> dict[str, Summary]:
    """Each takes its turn in each round, so that a noisy minute hits all alike. The first round only warms up."""
    found: dict[str, list[Result]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, (place, measure) in measures.items():
            result = one_round(place, measure)
            if number:
                found[name].append(result)
    return {name: summary(results) for name, results in found.items()}


def show(title: str, found: Mapping[str, Summary], *, unit: str, base: str) -> None:
    print(f"\n{title}")
    print(f"  {'':<46}{unit + '/s':>12}{'ratio':>8}{'CPU ms':>9}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}")
    for name, row in found.items():
        rate, cpu = row.per_second / found[base].per_second, speed(found, name, base)
        times = f"{row.p50:>9.1f}{row.p99:>9.1f}"
        print(f"  {name:<46}{row.per_second:>12,.0f}{rate:>8.2f}{row.cpu_ms:>9.3f}{cpu:>8.2f}{times}")


def speed(found: Mapping[str, Summary], name: str, base: str) -> float:
    """How fast `name` is beside `base`, by the processor time of a piece: other programs' turns do not count."""
    return found[base].cpu_ms / found[name].cpu_ms


def at_least(share: float, what: str, found: Mapping[str, Summary], name: str, base: str) -> None:
    reached = speed(found, name, base)
    table.verdict(f"at least {share:g} × {what}: {reached:.2f} by processor time", is_met=reached >= share)
