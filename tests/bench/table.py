"""Timing and printing, the same for every part."""

import statistics
import time
from collections.abc import Callable, Mapping

Measure = Callable[[], int]


def per_second(measure: Measure) -> float:
    """`measure` does some work and returns how many pieces it was."""
    began = time.perf_counter()
    pieces = measure()
    return pieces / (time.perf_counter() - began)


def interleaved(measures: Mapping[str, Measure], rounds: int = 3) -> dict[str, float]:
    """Medians of rounds in which each takes its turn, so that a noisy minute hits all alike."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(per_second(measure))
    return {name: statistics.median(values) for name, values in found.items()}


def show(title: str, rates: Mapping[str, float], *, unit: str, base: str) -> None:
    print(f"\n{title}")
    for name, rate in rates.items():
        print(f"  {name:<58}{rate:>12,.0f} {unit}{rate / rates[base]:>9.2f} ×")


def verdict(what: str, *, is_met: bool) -> None:
    print(f"  {'met   ' if is_met else 'MISSED'} {what}")
