"""Pages for people: what a new owner sees first."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.templatetags.static import static

from chatkit import __version__


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it on every page that names no icon of its own."""
    return HttpResponsePermanentRedirect(static("chatkit/icon.svg"))


def demo(request: HttpRequest) -> HttpResponse:
    """The widget, live, and the two lines that put it on another site."""
    return render(request, "demo.html", {"server": settings.CHATKIT.base_url, "version": __version__})
