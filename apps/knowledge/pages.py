"""The guide: ChatKit's own documents, for whoever tries it."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render

from apps.knowledge import guide as documents


def guide(request: HttpRequest, name: str = "") -> HttpResponse:
    """Where answers come from these documents, their sources lead here; a server of visitors has its own pages."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if settings.CHATKIT.is_production:
        raise Http404
    entries = documents.entries()
    if not name:
        return redirect("guide-page", entries[0].name)
    page = documents.page(name)
    if page is None:
        raise Http404
    return render(request, "guide.html", {"page": page, "entries": entries})
