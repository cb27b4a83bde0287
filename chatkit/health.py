"""Whether this process can serve. Apps register what they depend on; only the database decides between 200 and 503."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from chatkit import __version__
from chatkit.errors import InvalidRequest
from chatkit.ledger import ledger
from chatkit.logging import get_logger

STARTED = time.monotonic()
PATIENCE = 2.0  # a dependency that needs longer counts as gone

log = get_logger(__name__)
# Own threads, one each: a check that hangs must hold up neither the requests nor the other checks.
_threads: dict[str, ThreadPoolExecutor] = {}


class Status(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    status: Status
    message: str
    duration_ms: float = 0.0


Check = Callable[[], Outcome]
_checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    _checks[name] = check


def database() -> Outcome:
    try:
        connection.close_if_unusable_or_obsolete()
        if connection.vendor == "sqlite" and not Path(str(connection.settings_dict["NAME"])).exists():
            return Outcome(Status.UNHEALTHY, "The database file is gone.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
            cursor.fetchone()
        return Outcome(Status.OK, "The database answers.")
    except DatabaseError:
        log.warning("health_check_failed", check="db", exc_info=True)
        connection.close()
        return Outcome(Status.UNHEALTHY, "The database does not answer.")
    finally:
        if connection.vendor != "sqlite":
            connection.close()


def cache_store() -> Outcome:
    key = f"chatkit-health-{os.getpid()}"
    cache.set(key, STARTED, 10)
    if cache.get(key) != STARTED:
        return Outcome(Status.DEGRADED, "The cache forgets what it is given.")
    return Outcome(Status.OK, "The cache answers.")


def channel_layer() -> Outcome:
    async def there_and_back() -> None:
        layer: Any = get_channel_layer()
        name = await layer.new_channel()
        await layer.send(name, {"type": "health.check"})
        await asyncio.wait_for(layer.receive(name), PATIENCE)

    asyncio.run(there_and_back())
    return Outcome(Status.OK, "The channel layer delivers.")


def runtime() -> Outcome:
    if ledger.is_stopped:
        return Outcome(Status.DEGRADED, "This process is stopping.")
    return Outcome(Status.OK, f"{ledger.waiting} entries wait for the ledger.")


def aws() -> Outcome:
    return Outcome(Status.SKIPPED, "No part of this configuration uses AWS.")


register("db", database)
register("cache", cache_store)
register("channels", channel_layer)
register("runtime", runtime)
register("aws", aws)


async def run(name: str) -> Outcome:
    began = time.perf_counter()
    thread = _threads.setdefault(name, ThreadPoolExecutor(1, thread_name_prefix=f"health-{name}"))
    try:
        outcome = await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(thread, _checks[name]), PATIENCE)
    except TimeoutError:
        outcome = Outcome(failed(name), f"No answer within {PATIENCE:g} seconds.")
    except Exception:  # a check may fail in any way its dependency likes; the log says how
        log.exception("health_check_failed", check=name)
        outcome = Outcome(failed(name), "The check failed; the log says why.")
    milliseconds = round((time.perf_counter() - began) * 1000, 2)
    return Outcome(outcome.status, outcome.message, milliseconds)


def failed(name: str) -> Status:
    return Status.UNHEALTHY if name == "db" else Status.DEGRADED


def worst(outcomes: dict[str, Outcome]) -> Status:
    found = {outcome.status for outcome in outcomes.values()}
    return next((status for status in (Status.UNHEALTHY, Status.DEGRADED) if status in found), Status.OK)


def names_of(asked: str | None) -> list[str]:
    if asked is None:
        return ["db"]
    if asked == "all":
        return list(_checks)
    if asked not in _checks:
        raise InvalidRequest.of({"check": [f"Choose one of all, {', '.join(_checks)}."]})
    return [asked]


def refuse_writes(request: HttpRequest) -> HttpResponseBase | None:
    return None if request.method in {"GET", "HEAD"} else HttpResponseNotAllowed(["GET", "HEAD"])


async def show(request: HttpRequest) -> HttpResponseBase:
    if refusal := refuse_writes(request):
        return refusal
    asked = request.GET.get("check")
    names = names_of(asked)
    # The database is always looked at: it alone decides whether this process can serve.
    wanted = list(dict.fromkeys(["db", *names]))
    found = dict(zip(wanted, await asyncio.gather(*map(run, wanted)), strict=True))
    status = worst(found)
    body: dict[str, Any] = {
        "status": status,
        "service": "chatkit",
        "version": __version__,
        "uptime_seconds": round(time.monotonic() - STARTED, 1),
        "database": "connected" if found["db"].status is Status.OK else "disconnected",
    }
    if asked is not None:
        body["checks"] = {name: asdict(found[name]) for name in names}
    return JsonResponse(body, status=503 if status is Status.UNHEALTHY else 200)


async def live(request: HttpRequest) -> HttpResponseBase:
    """The process runs and its event loop turns; a restart would help otherwise."""
    return refuse_writes(request) or JsonResponse({"status": Status.OK})


async def ready(request: HttpRequest) -> HttpResponseBase:
    """Whether a load balancer should send visitors here."""
    if refusal := refuse_writes(request):
        return refusal
    outcome = await run("db")
    is_ready = outcome.status is Status.OK and not ledger.is_stopped
    return JsonResponse({"status": Status.OK if is_ready else Status.UNHEALTHY}, status=200 if is_ready else 503)
