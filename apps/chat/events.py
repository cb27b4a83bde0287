"""What followers of a turn are told. One closed set; the journal keeps exactly these."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from chatkit.errors import ChatKitError


class EventType(StrEnum):
    STARTED = "agent.started"
    SOURCES = "agent.sources"
    TOKEN = "agent.token"  # noqa: S105 - a piece of text
    COMPLETED = "agent.completed"
    FAILED = "agent.failed"
    CANCELLED = "agent.cancelled"


TERMINAL = frozenset({EventType.COMPLETED, EventType.FAILED, EventType.CANCELLED})


class Event(NamedTuple):
    """`seq` counts within the turn, from 0, without a gap."""

    turn_id: UUID
    seq: int
    event_type: EventType
    body: dict[str, Any]
    timestamp: datetime

    @property
    def is_terminal(self) -> bool:
        return self.event_type in TERMINAL

    def frame(self) -> bytes:
        """As WebSocket clients get it."""
        return orjson.dumps(
            {
                "type": "runtime_event",
                "event_type": self.event_type,
                "turn_id": self.turn_id,
                "seq": self.seq,
                "data": self.body,
                "timestamp": self.timestamp,
            },
            option=orjson.OPT_UTC_Z,
        )


def failure_body(error: ChatKitError, *, may_retry: bool) -> dict[str, Any]:
    wait = (error.detail or {}).get("retry_after")
    told = {"error": error.code, "message": error.message, "retry": may_retry}
    return told if wait is None else {**told, "retry_after": wait}


def failure_detail(body: dict[str, Any]) -> dict[str, Any]:
    """What the one error shape tells in its detail about a turn that failed."""
    return {name: body[name] for name in ("retry", "retry_after") if name in body}
