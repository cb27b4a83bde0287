"""Times as counts in narrow bands, which days can be added up from. What is read back is within 2.5 % of the truth."""

import math
from collections.abc import Mapping

# Each band reaches from its lower bound to 1.05 times that, and is read back as its geometric middle.
GROWTH = 1.05
SHORTEST = 1.0
BAND = math.log(GROWTH)


def band_of(milliseconds: float) -> int:
    """Everything up to a millisecond is in band 0."""
    return max(0, math.ceil(math.log(max(milliseconds, SHORTEST)) / BAND))


def milliseconds_of(band: int) -> float:
    return GROWTH ** (band - 0.5) if band else SHORTEST


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The time that `share` of all did not exceed, in milliseconds; None where there is nothing."""
    total = sum(counts.values())
    rank, passed = math.ceil(share * total), 0
    for band in sorted(counts):
        passed += counts[band]
        if passed >= max(1, rank):
            return milliseconds_of(band)
    return None
