"""Against a model that counts by hand: any sequence of calls, waits and resets."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.throttling import limits
from apps.throttling.models import Counter
from chatkit.config import Config, RateLimits
from chatkit.values import Rate
from tests.throttling.test_limits import move_clock

# Windows and waits are so long that the time the test itself takes never decides.
LONG = 1000

Step = tuple[str, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.integers(1, 30)),
        st.tuples(st.just("reset"), st.integers(0, 2)),
        st.tuples(st.just("give back"), st.integers(0, 2)),
    ),
    max_size=40,
)


class ByHand:
    """The rule as a person would say it: a window begins with the first counted call and lasts its seconds."""

    def __init__(self, count: int, seconds: int) -> None:
        self.count, self.seconds, self.now = count, seconds, 0.0
        self.windows: dict[int, tuple[float, int]] = {}

    def call(self, who: int) -> bool:
        end, used = self.windows.get(who, (0.0, 0))
        if end <= self.now:
            end, used = self.now + self.seconds, 0
        if used >= self.count:
            return False
        self.windows[who] = (end, used + 1)
        return True

    def wait(self, seconds: int) -> None:
        self.now += seconds

    def reset(self, who: int) -> None:
        self.windows.pop(who, None)

    def give_back(self, who: int) -> None:
        end, used = self.windows.get(who, (0.0, 0))
        if used:
            self.windows[who] = (end, used - 1)


@pytest.mark.database
@pytest.mark.django_db
@given(count=st.integers(1, 4), seconds=st.integers(1, 20), steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_is_counted_as_by_hand(
    count: int, seconds: int, steps: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = Config(rate_limits=RateLimits(save_chat=Rate(count, seconds * LONG)))
    monkeypatch.setattr("django.conf.settings.CHATKIT", chosen)
    Counter.objects.all().delete()
    model = ByHand(count, seconds)
    for kind, argument in steps:
        play(model, kind, argument)


def play(model: ByHand, kind: str, argument: int) -> None:
    who = f"user:{argument}"
    match kind:
        case "call":
            assert limits.consume(who, "save_chat").is_allowed == model.call(argument)
        case "wait":
            model.wait(argument)
            move_clock(argument * LONG)
        case "reset":
            model.reset(argument)
            limits.reset(who, "save_chat")
        case "give back":
            model.give_back(argument)
            limits.give_back(who, "save_chat")
