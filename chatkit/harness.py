"""The page that checks the real widget against the real server, in the browser it is opened in."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from chatkit.pages import may_see_harness


def show(request: HttpRequest) -> HttpResponse:
    if not may_see_harness(request):
        raise Http404
    return render(request, "harness.html")
