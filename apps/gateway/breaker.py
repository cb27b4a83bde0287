"""Stops asking a provider that keeps failing, for a while; then lets one question try."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from apps.gateway.failures import Failure, Kind

REMEMBERED = 10
MOST_FAULTS = 5
REST_SECONDS = 15.0


class State(StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(eq=False, slots=True)
class Permit:
    """Allows one call. Of several that wait for the end of a rest, one is the trial."""

    is_trial: bool


class Breaker:
    """Opens when half of the last ten calls were the provider's fault. Each process learns for itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._were_good: deque[bool] = deque(maxlen=REMEMBERED)
        self._opened_at: float | None = None
        self._trial: Permit | None = None
        self.was_asked = False
        # What went wrong last, until an answer comes.
        self.trouble: Kind | None = None

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return State.CLOSED
        return State.OPEN if self._clock() - self._opened_at < REST_SECONDS else State.HALF_OPEN

    def admit(self) -> Permit:
        state = self.state
        if state is State.OPEN or (state is State.HALF_OPEN and self._trial is not None):
            raise Failure(Kind.BREAKER_OPEN)
        self.was_asked = True
        permit = Permit(is_trial=state is State.HALF_OPEN)
        if permit.is_trial:
            self._trial = permit
        return permit

    def succeeded(self, permit: Permit) -> None:
        self.trouble = None
        if permit is self._trial:
            self._opened_at, self._trial = None, None
            self._were_good.clear()
        if self._opened_at is None:
            self._were_good.append(True)

    def failed(self, permit: Permit, failure: Failure) -> None:
        """Whoever is to blame is told to its owner; only the provider's own faults count."""
        self.trouble = failure.kind
        if not failure.is_providers_fault:
            return
        if permit is self._trial:
            self._opened_at, self._trial = self._clock(), None
        elif self._opened_at is None:
            # What began before the rest says nothing about the time after it.
            self._were_good.append(False)
            if self._were_good.count(False) >= MOST_FAULTS:
                self._opened_at = self._clock()

    def release(self, permit: Permit) -> None:
        """A trial that was cancelled says neither; the next question may try."""
        if permit is self._trial:
            self._trial = None
