"""Frames: JSON text both ways. What a client sends is read, or answered with one error that names the field."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from apps.chat.admission import Accepted
from apps.chat.requests import Reader
from apps.throttling.limits import Allowance
from chatkit import metrics
from chatkit.errors import ChatKitError, InvalidJSON, InvalidRequest, PayloadTooLarge

LARGEST = 64 * 1024
DEEPEST = 12
LONGEST_ID = 128


class FrameTooLarge(PayloadTooLarge):
    sentence = f"A frame may have {LARGEST // 1024} KiB."


class Frame(NamedTuple):  # made for every frame, and four times as fast as a frozen dataclass
    type: str
    payload: dict[str, Any]
    id: str | None


def read(message: dict[str, Any]) -> Frame:
    text = message.get("text")
    if text is None:
        raise InvalidRequest("Send frames as text, not as binary.", detail={"fields": {"frame": ["Must be text."]}})
    # A character is at least a byte, so the longer check is only made where it can matter.
    if len(text) > LARGEST or (len(text) > LARGEST // 4 and len(text.encode("utf-8", "replace")) > LARGEST):
        raise FrameTooLarge
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidJSON("The frame is not valid JSON.") from exc
    if not isinstance(content, dict):
        raise refused("frame", "Must be an object.")
    return checked(content)


def checked(content: dict[str, Any]) -> Frame:
    kind, payload, identifier = content.get("type"), content.get("payload"), content.get("id")
    if not isinstance(kind, str):
        raise refused("type", "Must be a text.")
    if not isinstance(payload, dict):
        raise refused("payload", "Must be an object.")
    if identifier is not None and (not isinstance(identifier, str) or len(identifier) > LONGEST_ID):
        raise refused("id", f"Must be a text of at most {LONGEST_ID} characters.")
    if payload and is_deeper(payload, DEEPEST):
        raise refused("payload", f"Must be at most {DEEPEST} deep.")
    return Frame(kind, payload, identifier)


def refused(name: str, reason: str) -> InvalidRequest:
    return InvalidRequest.of({name: [reason]})


def is_deeper(value: object, limit: int) -> bool:
    """Whether objects and lists are nested in each other more often than that."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return limit == 0 or any(is_deeper(item, limit - 1) for item in inner if isinstance(item, dict | list))


def write(kind: str, payload: dict[str, Any], identifier: str | None = None) -> str:
    content: dict[str, Any] = {"type": kind, "payload": payload}
    if identifier is not None:
        content["id"] = identifier
    return orjson.dumps(content, option=orjson.OPT_UTC_Z).decode()


def write_error(error: ChatKitError, connection_id: str, identifier: str | None = None) -> str:
    metrics.errors_told.labels("websocket", error.code).inc()
    content: dict[str, Any] = {"type": "error", **error.body(connection_id)}
    if identifier is not None:
        content["id"] = identifier
    return orjson.dumps(content, option=orjson.OPT_UTC_Z, default=str).decode()


def read_text(payload: Mapping[str, Any], name: str) -> str:
    fields = Reader(payload, "payload.")
    value = fields.text(name, is_required=True)
    fields.check()
    return value


def read_uuid(payload: Mapping[str, Any], name: str) -> UUID:
    fields = Reader(payload, "payload.")
    value = fields.uuid(name)
    fields.check()
    if value is None:
        raise InvalidRequest.of({f"payload.{name}": ["This field is required."]})
    return value


def accepted_payload(turn: Accepted) -> dict[str, Any]:
    return {
        "message_id": turn.message_id,
        "turn_id": turn.turn_id,
        "conversation_id": turn.conversation_id,
        "client_message_id": turn.client_message_id,
    }


def limit_payload(allowance: Allowance) -> dict[str, Any]:
    return {
        "action": allowance.action,
        "remaining": allowance.remaining,
        "reset_seconds": allowance.reset_seconds,
    }
