"""What the official SDKs have in common below: connections, their deadlines, and what their failing means."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2

from apps.gateway.failures import Failure, Kind
from chatkit.config import Config
from chatkit.logging import get_logger

log = get_logger(__name__)

MOST_CONNECTIONS = 1000
KEPT = 100
KEPT_SECONDS = 60.0


def limits() -> httpx2.Limits:
    return httpx2.Limits(
        max_connections=MOST_CONNECTIONS, max_keepalive_connections=KEPT, keepalive_expiry=KEPT_SECONDS
    )


def timeouts(config: Config) -> httpx2.Timeout:
    """For connecting alone: how long to wait for tokens is decided for all providers in one place."""
    return httpx2.Timeout(None, connect=config.agent_connect_timeout, pool=config.agent_connect_timeout)


@contextmanager
def mapped(failure_of: Callable[[Exception, Kind], Failure | None], *, lost: Kind) -> Iterator[None]:
    """Every way in which an SDK fails, as one of ours; `lost` is what a lost connection means at this point."""
    try:
        yield
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        raise Failure(Kind.MALFORMED) from exc
    except Exception as exc:
        failure = failure_of(exc, lost)
        if failure is None:
            raise
        raise failure from exc


async def warm(client: httpx2.AsyncClient, address: httpx2.URL) -> None:
    """Name, connection and TLS, without the key; the answer does not matter."""
    try:
        await client.head(address)
    except httpx2.HTTPError:
        log.warning("provider_not_reached", host=address.host)
