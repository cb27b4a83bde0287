"""Events on their way into the database. Losing one is counted, and is never the trouble of whoever it is about."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_network
from typing import Any
from uuid import UUID

import structlog

from apps.accounts.credentials import Principal
from apps.analytics.facts import facts
from apps.analytics.models import Event
from chatkit import metrics
from chatkit.ledger import ledger
from chatkit.logging import get_logger
from chatkit.network import parse

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Who:
    """Whom an event is about, as far as known."""

    user_id: UUID | None = None
    visitor_id: UUID | None = None
    session_id: UUID | None = None

    @classmethod
    def of(cls, principal: Principal | None) -> "Who":
        if principal is None:
            return cls()
        return cls(principal.user_id, principal.visitor_id, principal.session_id)


NOBODY = Who()


def noticed(event_type: str, who: Who = NOBODY, *, address: str | None = None, **said: object) -> Event:
    """An event of the server's own, not written yet."""
    return Event(
        event_type=event_type,
        source=Event.Source.SERVER,
        user_id=who.user_id,
        visitor_id=who.visitor_id,
        session_id=who.session_id,
        request_id=current_request(),
        network=network_of(address or ""),
        event_data=facts(said),
    )


def told(event_type: str, data: Mapping[str, Any], who: Who, *, address: str, request_id: UUID) -> Event:
    """An event that a client reports, not written yet."""
    return Event(
        event_type=event_type,
        source=Event.Source.CLIENT,
        user_id=who.user_id,
        visitor_id=who.visitor_id,
        session_id=who.session_id,
        request_id=request_id,
        network=network_of(address),
        event_data=data,
    )


def leave(event: Event) -> None:
    """Hands an event to the ledger and goes on: the action that it is about neither waits nor fails."""
    ledger.leave(event).add_done_callback(count_loss)


def count_loss(written: "Future[Any]") -> None:
    if (failure := written.exception()) is not None:
        lost(failure)


def lost(failure: BaseException) -> None:
    metrics.events_lost.labels(type(failure).__name__).inc()
    log.warning("analytics_event_lost", reason=type(failure).__name__)


def current_request() -> UUID | None:
    """The request, or the WebSocket connection, in whose course this runs."""
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return UUID(bound) if bound else None


@lru_cache(4_096)
def network_of(address: str) -> str:
    """So much of an address that it tells a town and not a household."""
    parsed = parse(address)
    if parsed is None:
        return ""
    prefix = 48 if isinstance(parsed, IPv6Address) else 24
    return str(ip_network((parsed, prefix), strict=False))
