"""Anthropic's Messages API through the official SDK, on its aiohttp transport."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, cast

import anthropic
import httpx2
from anthropic import AsyncAnthropic, AsyncStream

from apps.gateway import messages
from apps.gateway.failures import Failure, Kind, refused
from apps.gateway.protocol import Pieces, Request
from apps.gateway.transport import limits, mapped, timeouts, warm
from chatkit.config import Config


class Anthropic:
    name = "anthropic"

    def __init__(self, config: Config) -> None:
        key = config.anthropic_api_key
        self.model = config.model
        # A redirect would carry the key along to wherever it points.
        self._http = anthropic.DefaultAioHttpClient(timeout=timeouts(config), limits=limits(), follow_redirects=False)
        self._client = AsyncAnthropic(
            api_key=key.get_secret_value() if key else None,
            base_url=config.anthropic_base_url,
            http_client=self._http,
            # Whether to try again is decided for all providers in one place.
            max_retries=0,
            open_telemetry=False,
        )

    async def stream(self, request: Request) -> Pieces:
        async with aclosing(self._events(request)) as events, aclosing(messages.pieces_of(events)) as pieces:
            async for piece in pieces:
                yield piece

    async def _events(self, request: Request) -> AsyncGenerator[messages.Event]:
        with mapped(failure_of, lost=Kind.UNREACHABLE):
            # `messages.create` builds a model instance for every token, which nearly doubles what one costs.
            stream = await self._client.post(
                "/v1/messages",
                cast_to=object,
                body={**cached(messages.body_of(request)), "model": self.model, "stream": True},
                stream=True,
                stream_cls=AsyncStream[object],
            )
        with mapped(failure_of, lost=Kind.CUT):
            async with stream:
                async for event in stream:
                    yield cast(messages.Event, event)

    async def warm(self) -> None:
        await warm(self._http, self._client.base_url)

    async def close(self) -> None:
        await self._client.close()


def cached(body: dict[str, Any]) -> dict[str, Any]:
    """The instructions are the same for every question, so the provider may keep them."""
    text = {"type": "text", "text": body["system"], "cache_control": {"type": "ephemeral"}}
    return {**body, "system": [text]}


def failure_of(error: Exception, lost: Kind) -> Failure | None:
    match error:
        case anthropic.APIStatusError():
            error_type = error_type_of(error.body)
            headers = error.response.headers
            return refused(error.status_code, error_type=error_type, headers=headers, request_id=error.request_id)
        case anthropic.APIConnectionError() | httpx2.HTTPError():
            return Failure(lost)
        case anthropic.APIError():
            return Failure(Kind.MALFORMED)
    return None


def error_type_of(body: object) -> object:
    found = body.get("error") if isinstance(body, Mapping) else None
    return found.get("type") if isinstance(found, Mapping) else None


connect = Anthropic
