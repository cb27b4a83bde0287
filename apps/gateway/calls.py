"""One question to a provider: never waited for too long, asked again only while nothing was said, and counted."""

import asyncio
import random
import time
from contextlib import aclosing
from dataclasses import dataclass

from apps.gateway.breaker import Breaker, Permit, State
from apps.gateway.failures import MAY_PASS, MISCONFIGURED, Failure, Kind
from apps.gateway.protocol import Delta, Pieces, Provider, Request
from chatkit import metrics
from chatkit.config import Config
from chatkit.logging import get_logger

log = get_logger(__name__)

MOST_ATTEMPTS = 3
FIRST_PAUSE = 0.2
# A provider that asks for no more patience than this is asked again.
SHORT_WAIT = 2
LEVELS = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


@dataclass(frozen=True, slots=True)
class Deadlines:
    """In seconds. The first token's holds for all attempts together."""

    first_token: float
    stall: float

    @classmethod
    def of(cls, config: Config) -> "Deadlines":
        return cls(config.agent_first_token_timeout, config.agent_stall_timeout)


async def stream(provider: Provider, breaker: Breaker, request: Request, deadlines: Deadlines) -> Pieces:
    """The answer, or a `Failure`."""
    first_token_by = asyncio.get_running_loop().time() + deadlines.first_token
    has_begun = False
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            async with aclosing(ask(provider, breaker, request, first_token_by, deadlines.stall)) as pieces:
                async for piece in pieces:
                    has_begun = has_begun or isinstance(piece, Delta)
                    yield piece
            return
        except Failure as failure:
            pause = pause_after(failure, attempt)
            is_too_late = asyncio.get_running_loop().time() + pause >= first_token_by
            if has_begun or pause == 0 or is_too_late or attempt == MOST_ATTEMPTS:
                raise
        await asyncio.sleep(pause)


def pause_after(failure: Failure, attempt: int) -> float:
    """Seconds until asking again makes sense, or 0 where it does not. Jitter keeps many from coming back together."""
    if failure.kind is Kind.RATE_LIMITED:
        asked = failure.retry_after or 0
        return asked + random.uniform(0, FIRST_PAUSE) if 0 < asked <= SHORT_WAIT else 0.0  # noqa: S311 - spread
    if failure.kind not in MAY_PASS:
        return 0.0
    return FIRST_PAUSE * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - spread


async def ask(provider: Provider, breaker: Breaker, request: Request, first_token_by: float, stall: float) -> Pieces:
    """One attempt, and what the breaker, the metrics and the log learn from it."""
    permit = admitted(provider, breaker)
    began, outcome, has_begun = time.perf_counter(), "cancelled", False
    try:
        async with aclosing(on_time(provider.stream(request), first_token_by, stall)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Delta) and not has_begun:
                    has_begun = True
                    breaker.succeeded(permit)
                    metrics.provider_first_token_seconds.labels(provider.name).observe(time.perf_counter() - began)
                yield piece
        if not has_begun:
            raise Failure(Kind.EMPTY)
        outcome = "completed"
    except Failure as failure:
        outcome = failure.kind.value
        learn(provider, breaker, permit, failure)
        raise
    finally:
        breaker.release(permit)
        metrics.provider_calls.labels(provider.name, outcome).inc()
        metrics.provider_seconds.labels(provider.name).observe(time.perf_counter() - began)
        metrics.provider_breaker.labels(provider.name).set(LEVELS[breaker.state])


def admitted(provider: Provider, breaker: Breaker) -> Permit:
    try:
        return breaker.admit()
    except Failure as failure:
        metrics.provider_calls.labels(provider.name, failure.kind.value).inc()
        raise


def learn(provider: Provider, breaker: Breaker, permit: Permit, failure: Failure) -> None:
    breaker.failed(permit, failure)
    write = log.error if failure.kind in MISCONFIGURED else log.warning
    write("provider_failed", provider=provider.name, model=provider.model, kind=failure.kind, **failure.details())


async def on_time(pieces: Pieces, first_token_by: float, stall: float) -> Pieces:
    """The pieces, each before its deadline; closing ends the connection."""
    loop = asyncio.get_running_loop()
    late = Kind.FIRST_TOKEN_TIMEOUT
    async with aclosing(pieces):
        while True:
            deadline = first_token_by if late is Kind.FIRST_TOKEN_TIMEOUT else loop.time() + stall
            try:
                async with asyncio.timeout_at(deadline):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError as exc:
                raise Failure(late) from exc
            if isinstance(piece, Delta):
                late = Kind.STALLED
            yield piece
