"""OpenAI's chat completions through the official SDK, and whatever else speaks them: Ollama, vLLM, LM Studio."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, cast

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream

from apps.gateway.failures import Failure, Kind, refused
from apps.gateway.messages import count_of, text_of
from apps.gateway.protocol import Delta, Pieces, Request, Usage
from apps.gateway.transport import limits, mapped, timeouts, warm
from chatkit.config import Config

# Servers on one's own machine want none, and the SDK wants something.
NO_KEY = "none"
LEAVE_SECONDS = 1.0


class OpenAI:
    name = "openai"

    def __init__(self, config: Config) -> None:
        self.model = config.model
        # OpenAI's own models no longer take the name that every other server understands.
        self._most_tokens = "max_completion_tokens" if config.is_openai_itself else "max_tokens"
        key = config.openai_api_key
        # A redirect would carry the key along to wherever it points.
        self._http = openai.DefaultAioHttpClient(timeout=timeouts(config), limits=limits(), follow_redirects=False)
        self._client = AsyncOpenAI(
            api_key=key.get_secret_value() if key else NO_KEY,
            base_url=config.openai_base_url,
            http_client=self._http,
            # Whether to try again is decided for all providers in one place.
            max_retries=0,
        )

    async def stream(self, request: Request) -> Pieces:
        async with aclosing(self._chunks(request)) as chunks:
            async for chunk in chunks:
                text, usage = read(chunk)
                if text:
                    yield Delta(text)
                if usage.stop_reason:
                    yield usage.updated(await counted(chunks))
                    return
        raise Failure(Kind.CUT)

    async def _chunks(self, request: Request) -> AsyncGenerator[Mapping[str, Any]]:
        with mapped(failure_of, lost=Kind.UNREACHABLE):
            # Plain JSON, because `completions.create` builds model instances for every token.
            stream = await self._client.post(
                "/chat/completions",
                cast_to=object,
                body=self._body(request),
                stream=True,
                stream_cls=AsyncStream[object],
            )
        with mapped(failure_of, lost=Kind.CUT):
            async with stream:
                async for chunk in stream:
                    yield cast(Mapping[str, Any], chunk)

    def _body(self, request: Request) -> dict[str, Any]:
        said = [{"role": said.role, "content": said.text} for said in request.messages]
        return {
            "model": self.model,
            "messages": [{"role": "system", "content": request.instructions}, *said],
            self._most_tokens: request.most_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def warm(self) -> None:
        await warm(self._http, self._client.base_url)

    async def close(self) -> None:
        await self._client.close()


async def counted(chunks: AsyncGenerator[Mapping[str, Any]]) -> Usage:
    """The count comes behind the end of the text; a server that keeps it to itself, or breaks off, spoils nothing."""
    usage = Usage()
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            async for chunk in chunks:
                usage = usage.updated(read(chunk)[1])
    except (Failure, TimeoutError):
        pass
    return usage


def read(chunk: Mapping[str, Any]) -> tuple[str, Usage]:
    """The text of a chunk, and what it says about the whole; the chunk that counts has no choices."""
    try:
        choice = (chunk.get("choices") or [{}])[0]
        text = (choice.get("delta") or {}).get("content") or ""
        return text_of(text), usage_of(chunk.get("usage") or {}, text_of(choice.get("finish_reason") or ""))
    except (AttributeError, IndexError, KeyError, TypeError) as exc:
        raise Failure(Kind.MALFORMED) from exc


def usage_of(counts: Mapping[str, Any], stop_reason: str) -> Usage:
    """Its prompt tokens contain those that came from the cache."""
    prompt = count_of(counts.get("prompt_tokens"))
    cached = count_of((counts.get("prompt_tokens_details") or {}).get("cached_tokens"))
    return Usage(
        input_tokens=None if prompt is None else max(0, prompt - (cached or 0)),
        output_tokens=count_of(counts.get("completion_tokens")),
        cache_read_tokens=cached,
        stop_reason=stop_reason,
    )


def failure_of(error: Exception, lost: Kind) -> Failure | None:
    match error:
        case openai.APIStatusError():
            error_type = error.type or error.code
            headers = error.response.headers
            return refused(error.status_code, error_type=error_type, headers=headers, request_id=error.request_id)
        case openai.APIConnectionError() | httpx2.HTTPError():
            return Failure(lost)
        case openai.APIError():
            return refused(200, error_type=error.type or error.code)
    return None


connect = OpenAI
