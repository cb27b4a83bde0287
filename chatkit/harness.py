"""The page that checks the real widget against the real server, in the browser it is opened in."""

from datetime import UTC, datetime
from typing import Any, cast

from django.conf import settings
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import fixtures, sessions
from apps.accounts.credentials import Principal, bearer, resolve
from apps.accounts.models import User
from apps.analytics.models import Event, EventQuerySet
from chatkit.errors import InvalidRequest
from chatkit.pages import may_see_harness, own_address

CHECKS = {
    "widget": "Widget Loaded",
    "backend": "Backend Connectivity",
    "session": "Session Valid",
    "analytics": "Analytics Working",
    "streaming": "Streaming Works",
    "limit": "Rate Limit Works",
    "resume": "Resume Works",
    "console": "Console Clean",
}
BUTTONS = {
    "send": "Send Message",
    "save": "Save Chat",
    "personalize": "Personalize",
    "limit": "Trigger Rate Limit",
    "logout": "Logout",
    "reload": "Reload Page",
    "widget": "Check Widget Loaded",
    "session": "Check Session",
    "analytics": "Check Analytics",
    "drop": "Drop Connection",
}
USER_AGENT = "Harness"


def refuse_strangers(request: HttpRequest) -> None:
    """Nobody else may learn that there is such a page."""
    if not may_see_harness(request):
        raise Http404


@never_cache
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    refuse_strangers(request)
    context: dict[str, Any] = {
        "own": own_address(request),
        "checks": CHECKS.items(),
        "buttons": BUTTONS.items(),
        "served": timezone.now().isoformat(),
    }
    return render(request, "harness.html", context)


@never_cache
@require_POST
def open_session(request: HttpRequest) -> HttpResponse:
    """A widget session for what only people may do: the fixture's person in test mode, else whoever looks."""
    refuse_strangers(request)
    person = fixtures.seed_user() if settings.CHATKIT.integration_test_mode else cast(User, request.user)
    issued = sessions.open_session(person, user_agent=USER_AGENT)
    return JsonResponse({"session_token": issued.raw, "expires_at": issued.expires_at})


@never_cache
@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """How often the database holds what of the caller: the proof that analytics arrived there."""
    refuse_strangers(request)
    caller = resolve(bearer(request.headers.get("Authorization")))
    counted = events_of(caller).filter(created_at__gte=since(request)).values_list("event_type").annotate(Count("id"))
    return JsonResponse({"events": dict(counted.order_by("event_type"))})


def events_of(caller: Principal) -> EventQuerySet:
    if caller.user_id is None:
        return Event.objects.filter(visitor=caller.visitor_id)
    return Event.objects.of_person(User(id=caller.user_id))


def since(request: HttpRequest) -> datetime:
    try:
        told = datetime.fromisoformat(request.GET.get("since", ""))
    except ValueError as exc:
        raise InvalidRequest.of({"since": ["Must be a time such as 2026-01-31T12:00:00+00:00."]}) from exc
    return told if told.tzinfo else told.replace(tzinfo=UTC)
