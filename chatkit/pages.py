"""Pages for people: what a new owner sees first, and what all pages know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.templatetags.static import static

from chatkit import __version__
from chatkit.doctor.page import MODULE

QUESTIONS = ("How do I set a rate limit?", "What survives a crash?", "How do visitors sign in?")


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it on every page that names no icon of its own."""
    return HttpResponsePermanentRedirect(static("chatkit/icon.svg"))


def demo(request: HttpRequest) -> HttpResponse:
    """The widget, live, and the two lines that put it on another site."""
    own = own_address(request)
    server = settings.CHATKIT.public_address(own)
    return render(request, "demo.html", {"own": own, "server": server, "module": MODULE, "questions": QUESTIONS})


def own_address(request: HttpRequest) -> str:
    """Where this page came from."""
    return f"{request.scheme}://{request.get_host()}"


def may_see_harness(request: HttpRequest) -> bool:
    """Anybody where everything is a test, and otherwise who may also look into the admin."""
    user = getattr(request, "user", None)
    return settings.CHATKIT.integration_test_mode or bool(user and user.is_active and user.is_staff)


def site(request: HttpRequest) -> dict[str, Any]:
    """What the frame around every page shows."""
    return {
        "version": __version__,
        "is_trial": not settings.CHATKIT.is_production,
        "has_harness": may_see_harness(request),
    }
