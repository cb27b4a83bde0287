"""What Prometheus may know. Every series of the product is declared here, so that one page lists them all."""

import os
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from chatkit.errors import Forbidden
from chatkit.network import is_direct_loopback

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

http_requests = Counter("chatkit_http_requests", "HTTP requests answered.", ["method", "route", "status"])
http_seconds = Histogram("chatkit_http_request_seconds", "Time to the response's headers.", ["route"], buckets=FAST)
turns = Counter("chatkit_turns", "Turns ended, by outcome.", ["outcome"])
turns_running = Gauge("chatkit_turns_running", "Turns being answered.", multiprocess_mode="livesum")
turn_seconds = Histogram("chatkit_turn_seconds", "Time from acceptance to the end of a turn.", buckets=SLOW)
first_token_seconds = Histogram("chatkit_first_token_seconds", "Time from acceptance to the first token.", buckets=SLOW)
sockets_open = Gauge("chatkit_sockets_open", "WebSocket connections held.", multiprocess_mode="livesum")
sockets_closed = Counter("chatkit_sockets_closed", "WebSocket connections closed, by close code.", ["code"])
limit_decisions = Counter("chatkit_limit_decisions", "Limited calls, by action and outcome.", ["action", "outcome"])
ledger_rows = Counter("chatkit_ledger_rows", "Entries committed by the ledger.")
ledger_failures = Counter("chatkit_ledger_failures", "Writers the ledger had to refuse, by reason.", ["reason"])
ledger_batch = Histogram(
    "chatkit_ledger_batch_writers", "Writers committed together.", buckets=(1, 2, 4, 8, 16, 64, 256)
)
ledger_seconds = Histogram("chatkit_ledger_commit_seconds", "Time one ledger transaction took.", buckets=FAST)
ledger_queue = Gauge("chatkit_ledger_queue", "Entries waiting for the ledger.", multiprocess_mode="livesum")
errors_told = Counter(
    "chatkit_errors_told", "Errors that clients were told, by transport and code.", ["transport", "code"]
)
events_lost = Counter("chatkit_events_lost", "Analytics events that could not be written, by reason.", ["reason"])
provider_calls = Counter("chatkit_provider_calls", "Calls of model providers, by outcome.", ["provider", "outcome"])
provider_seconds = Histogram("chatkit_provider_seconds", "Time one provider call took.", ["provider"], buckets=SLOW)
provider_first_token_seconds = Histogram(
    "chatkit_provider_first_token_seconds",
    "Time from asking a provider to its first token.",
    ["provider"],
    buckets=SLOW,
)
provider_tokens = Counter("chatkit_provider_tokens", "Tokens that providers counted.", ["provider", "kind"])
provider_breaker = Gauge(
    "chatkit_provider_breaker",
    "Circuit breaker: 0 closed, 1 half open, 2 open.",
    ["provider"],
    multiprocess_mode="livemax",
)
turn_fallbacks = Counter("chatkit_turn_fallbacks", "Turns the local agent answered because the provider could not.")

# Finding a labelled series again costs more than counting it.
limit_decision = cache(limit_decisions.labels)
http_request = cache(http_requests.labels)
http_time = cache(http_seconds.labels)


def exposition() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def may_read(request: HttpRequest) -> bool:
    token = settings.CHATKIT.metrics_token
    if token is not None:
        presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if constant_time_compare(presented, token.get_secret_value()):
            return True
    is_forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return is_direct_loopback(request.META.get("REMOTE_ADDR", ""), is_forwarded=is_forwarded)


async def show(request: HttpRequest) -> HttpResponse:
    if not may_read(request):
        raise Forbidden("Metrics are shown to loopback, and to callers with the metrics token.")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
