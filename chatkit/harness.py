"""The page that checks the real widget against the real server, in the browser it is opened in."""

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import fixtures, sessions
from apps.accounts.models import User
from apps.analytics.models import Event
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
MOST_IDS = 100


def refuse_strangers(request: HttpRequest) -> None:
    """Nobody else may learn that there is such a page."""
    if not may_see_harness(request):
        raise Http404


@never_cache
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    refuse_strangers(request)
    context: dict[str, Any] = {"own": own_address(request), "checks": CHECKS.items(), "buttons": BUTTONS.items()}
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
    """How many events of each type are in the database, of those that the page was told are there."""
    refuse_strangers(request)
    counted = Event.objects.filter(id__in=ids_in(request)).values_list("event_type").annotate(Count("id"))
    return JsonResponse({"events": dict(counted.order_by("event_type"))})


def ids_in(request: HttpRequest) -> list[UUID]:
    told = [part for part in request.GET.get("ids", "").split(",") if part]
    try:
        return [UUID(part) for part in told[:MOST_IDS]]
    except ValueError as exc:
        raise InvalidRequest.of({"ids": ["Must be the ids of events, separated by commas."]}) from exc
