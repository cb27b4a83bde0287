"""Pages for people: what a new owner sees first."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from chatkit import __version__


def demo(request: HttpRequest) -> HttpResponse:
    """The widget, live, and the two lines that put it on another site."""
    return render(request, "demo.html", {"server": settings.CHATKIT.base_url, "version": __version__})
