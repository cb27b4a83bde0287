"""What clients report, read strictly: every event of a batch is right, or none is taken."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.analytics.models import LONGEST_TYPE
from chatkit.errors import InvalidRequest
from chatkit.redaction import is_secret_name, redact, redact_text

TYPE = re.compile(rf"[a-z0-9_.]{{1,{LONGEST_TYPE}}}")
LARGEST_DATA = 8 * 1024
DEEPEST = 3
MOST_EVENTS = 50
# A long wrong batch makes a short answer.
MOST_PROBLEMS = 10
Problems = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Report:
    """One event as a client tells it."""

    event_type: str
    event_data: dict[str, Any]


def one_report(body: object) -> Report:
    problems: Problems = {}
    report = read(body, "", problems)
    if report is None:
        raise InvalidRequest.of(problems)
    return report


def many_reports(body: object) -> list[Report]:
    events = body.get("events") if isinstance(body, Mapping) else None
    if not isinstance(events, list):
        raise InvalidRequest.of({"events": ["Must be a list of events."]})
    if not 1 <= len(events) <= MOST_EVENTS:
        raise InvalidRequest.of({"events": [f"Send 1 to {MOST_EVENTS} events; these are {len(events)}."]})
    problems: Problems = {}
    reports = [read(event, f"events[{index}]", problems) for index, event in enumerate(events)]
    if problems:
        raise InvalidRequest.of(dict(list(problems.items())[:MOST_PROBLEMS]))
    return [report for report in reports if report is not None]


def read(event: object, path: str, problems: Problems) -> Report | None:
    if not isinstance(event, Mapping):
        problems[path or "non_field_errors"] = ["Must be an object."]
        return None
    inside = f"{path}." if path else ""
    event_type, data = event.get("event_type"), event.get("event_data")
    if not isinstance(event_type, str) or TYPE.fullmatch(event_type) is None:
        problems[f"{inside}event_type"] = [f"Must be 1 to {LONGEST_TYPE} of a-z, 0-9, _ and the full stop."]
    if data is not None and (reason := objection(data)) is not None:
        problems[f"{inside}event_data"] = [reason]
    return Report(str(event_type), redacted(data)) if not problems else None


def objection(data: object) -> str | None:
    """What stands against some event's data, if anything does."""
    if not isinstance(data, dict):
        return "Must be an object."
    if is_deeper(data, DEEPEST):
        return f"Must be at most {DEEPEST} levels deep."
    text = orjson.dumps(data)
    if len(text) > LARGEST_DATA:
        return f"Must have at most {LARGEST_DATA // 1024} KiB; this has {len(text):,} bytes."
    # PostgreSQL keeps no NUL; only what looks like one is searched for it.
    if b"\\u0000" in text and has_nul(data):
        return "Must not contain the NUL character."
    return None


def is_deeper(value: object, levels: int) -> bool:
    """Stops at the first branch that goes too far down."""
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(is_deeper(item, levels - 1) for item in inner)


def has_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(has_nul(part) for item in value.items() for part in item)
    if isinstance(value, list):
        return any(map(has_nul, value))
    return isinstance(value, str) and "\0" in value


def redacted(data: dict[str, Any] | None) -> dict[str, Any]:
    """A page that puts a token into an event does not get it stored."""
    if not data or not may_hold_secret(data):
        return data or {}
    cleaned = redact(data)
    return cleaned if isinstance(cleaned, dict) else {}


def may_hold_secret(data: dict[str, Any]) -> bool:
    """Searching the whole once is cheaper than cleaning each of its parts."""
    text = orjson.dumps(data).decode()
    return redact_text(text) != text or has_secret_name(data)


def has_secret_name(value: object) -> bool:
    if isinstance(value, dict):
        return any(is_secret_name(name) or has_secret_name(item) for name, item in value.items())
    return isinstance(value, list) and any(map(has_secret_name, value))
