"""What the plain views take and answer, for the OpenAPI document."""

from typing import Any

from apps.analytics.models import LONGEST_TYPE
from apps.analytics.requests import MOST_EVENTS

Schema = dict[str, Any]
# Levels are checked by the server: a schema that counts them is read by nobody.
FLAT = {"type": ["string", "number", "boolean", "null"], "maxLength": 200}
EVENT: Schema = {
    "type": "object",
    "required": ["event_type"],
    "properties": {
        "event_type": {"type": "string", "pattern": f"^[a-z0-9_.]{{1,{LONGEST_TYPE}}}$"},
        "event_data": {
            "type": ["object", "null"],
            "description": "At most 8 KiB and 3 levels deep.",
            "maxProperties": 20,
            "additionalProperties": FLAT,
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
