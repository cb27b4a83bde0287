"""The events of Anthropic's Messages API, as that API streams them and as Bedrock wraps them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from apps.gateway.failures import Failure, Kind
from apps.gateway.protocol import Delta, Pieces, Request, Usage

# For the rest of a complete answer: read to its end, the connection can be used again.
LEAVE_SECONDS = 0.1
COUNTED = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}

Event = Mapping[str, Any]


def body_of(request: Request) -> dict[str, Any]:
    return {
        "max_tokens": request.most_tokens,
        "system": request.instructions,
        "messages": [{"role": said.role, "content": said.text} for said in request.messages],
    }


async def pieces_of(events: AsyncGenerator[Event]) -> Pieces:
    """Reads until the message says that it is complete; ending before is being cut."""
    async for event in events:
        try:
            piece = piece_of(event)
        except (AttributeError, KeyError, TypeError) as exc:
            raise Failure(Kind.MALFORMED) from exc
        if piece is not None:
            yield piece
        if event["type"] == "message_stop":
            await read_to_end(events)
            return
    raise Failure(Kind.CUT)


def piece_of(event: Event) -> Delta | Usage | None:
    """Kinds of events that were added later are passed over, as the API's authors ask."""
    match event["type"]:
        case "content_block_delta" if event["delta"]["type"] == "text_delta":
            text = text_of(event["delta"]["text"])
            return Delta(text) if text else None
        case "message_start":
            return usage_of(event["message"]["usage"])
        case "message_delta":
            return usage_of(event.get("usage") or {}, stop_reason=event["delta"].get("stop_reason") or "")
    return None


def text_of(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("The text of a piece is not a text.")
    # Neither database keeps the one, and no transport the other: halves of characters.
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def usage_of(counts: Mapping[str, Any], *, stop_reason: str = "") -> Usage:
    return Usage(**{ours: count_of(counts.get(theirs)) for theirs, ours in COUNTED.items()}, stop_reason=stop_reason)


def count_of(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


async def read_to_end(events: AsyncGenerator[Any]) -> None:
    """What is wrong after the end of an answer is nobody's business."""
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            async for _ in events:
                pass
    except (Failure, TimeoutError):
        pass
