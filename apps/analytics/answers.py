"""What the plain views take and answer, for the OpenAPI document."""

from typing import Any

from apps.analytics.models import LONGEST_TYPE
from apps.analytics.requests import DEEPEST, MOST_EVENTS

Schema = dict[str, Any]
NO_NUL = r"^[^\u0000]*$"


def value_within(levels: int) -> Schema:
    """A value with no more than so many levels of lists and objects."""
    scalar: Schema = {"type": ["string", "number", "boolean", "null"], "pattern": NO_NUL}
    if levels == 0:
        return scalar
    return {"anyOf": [scalar, {"type": "array", "items": value_within(levels - 1)}, object_within(levels)]}


def object_within(levels: int) -> Schema:
    names = {"pattern": NO_NUL}
    return {"type": "object", "propertyNames": names, "additionalProperties": value_within(levels - 1)}


EVENT: Schema = {
    "type": "object",
    "required": ["event_type"],
    "properties": {
        "event_type": {"type": "string", "pattern": f"^[a-z0-9_.]{{1,{LONGEST_TYPE}}}$"},
        "event_data": {
            "anyOf": [object_within(DEEPEST), {"type": "null"}],
            "description": "At most 8 KiB and 3 levels deep.",
        },
    },
}
LOGGED: Schema = {
    "type": "object",
    "required": ["event_id", "logged_at"],
    "properties": {
        "event_id": {"type": "string", "format": "uuid"},
        "logged_at": {"type": "string", "format": "date-time"},
    },
}


def many(item: Schema) -> Schema:
    events = {"type": "array", "items": item, "minItems": 1, "maxItems": MOST_EVENTS}
    return {"type": "object", "required": ["events"], "properties": {"events": events}}


def operation(name: str, summary: str, body: Schema, answer: Schema) -> Schema:
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "tags": ["analytics"],
            "security": [{}, {"credential": []}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": {
                "200": {"description": "Durable.", "content": {"application/json": {"schema": answer}}},
            },
        }
    }


EVENT_OPERATION = operation("analytics_event", "Reports an event.", EVENT, LOGGED)
EVENTS_OPERATION = operation("analytics_events", "Reports events: all of them or none.", many(EVENT), many(LOGGED))
