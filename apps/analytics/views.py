"""Events over HTTP: plain views, because pages report often and nobody may wait for it."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from apps.accounts.credentials import bearer, resolve_async
from apps.analytics.models import Event
from apps.analytics.recording import NOBODY, Who, told
from apps.analytics.requests import Report, many_reports, one_report
from apps.throttling.addresses import require_address
from chatkit.api import JSON, request_id
from chatkit.errors import InvalidJSON, UnsupportedMediaType
from chatkit.ledger import ledger


async def post_event(request: HttpRequest) -> HttpResponseBase:
    """One event; acknowledged when it is durable."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    who = await who_reports(request)
    (event,) = await kept(request, who, [one_report(body_of(request))])
    return answer(acknowledged(event))


async def post_events(request: HttpRequest) -> HttpResponseBase:
    """Up to fifty events, all of them or none."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    who = await who_reports(request)
    events = await kept(request, who, many_reports(body_of(request)))
    return answer({"events": [acknowledged(event) for event in events]})


async def who_reports(request: HttpRequest) -> Who:
    """Anybody may report. Whoever shows a credential has to show a good one."""
    header = request.headers.get("Authorization")
    return NOBODY if header is None else Who.of(await resolve_async(bearer(header)))


def body_of(request: HttpRequest) -> object:
    if request.content_type != JSON:
        raise UnsupportedMediaType
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as exc:
        raise InvalidJSON from exc


async def kept(request: HttpRequest, who: Who, reports: Sequence[Report]) -> list[Event]:
    """The call is counted in the transaction that writes the events: two commits would cost twice as much."""
    address, caller = request.META.get("REMOTE_ADDR", ""), UUID(request_id(request))
    events = [told(report.event_type, report.event_data, who, address=address, request_id=caller) for report in reports]
    await ledger.write(*events, check=partial(require_address, request, "analytics"))
    return events


def acknowledged(event: Event) -> dict[str, object]:
    return {"event_id": event.id, "logged_at": event.created_at}


def answer(body: object) -> HttpResponse:
    return HttpResponse(orjson.dumps(body, option=orjson.OPT_UTC_Z), content_type=JSON)
