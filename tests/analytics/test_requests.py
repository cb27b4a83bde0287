"""Whatever a client sends is either a right event or refused by name; what is kept keeps to the rules."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.analytics.requests import DEEPEST, LARGEST_DATA, MOST_EVENTS, TYPE, Report, many_reports, one_report
from chatkit.errors import InvalidRequest

# A busy machine draws slowly, which says nothing of the reader.
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
TYPES = st.from_regex(TYPE, fullmatch=True)
FLAT = st.dictionaries(TEXT.filter(lambda text: "\0" not in text), st.integers(-9, 9), max_size=4)


def depth(value: object) -> int:
    if not isinstance(value, dict | list):
        return 0
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0)


def keeps_to_the_rules(report: Report) -> bool:
    data = report.event_data
    return (
        TYPE.fullmatch(report.event_type) is not None
        and depth(data) <= DEEPEST
        and len(orjson.dumps(data)) <= LARGEST_DATA
        and "\0" not in str(data)
    )


def attempt(read: Any, body: object) -> Any:
    try:
        return read(body)
    except InvalidRequest as refusal:
        assert refusal.detail is not None
        assert refusal.detail["fields"]
        return None


@patiently
@given(JSON)
def test_no_body_breaks_the_reader(body: object) -> None:
    attempt(one_report, body)
    attempt(many_reports, body)


@patiently
@given(st.fixed_dictionaries({"event_type": TYPES | JSON, "event_data": JSON}))
def test_what_is_taken_keeps_to_the_rules(body: object) -> None:
    report = attempt(one_report, body)
    assert report is None or keeps_to_the_rules(report)


@patiently
@given(TYPES, FLAT)
def test_a_right_event_is_taken_as_it_is(event_type: str, data: dict[str, int]) -> None:
    assert one_report({"event_type": event_type, "event_data": data}).event_type == event_type


@patiently
@given(st.lists(st.fixed_dictionaries({"event_type": TYPES}), max_size=MOST_EVENTS + 5))
def test_a_batch_is_taken_whole_or_not_at_all(events: list[object]) -> None:
    taken = attempt(many_reports, {"events": events})
    assert (taken is not None) == (1 <= len(events) <= MOST_EVENTS)
    assert taken is None or len(taken) == len(events)
