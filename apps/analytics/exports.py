"""Reports for the people who run the site: as JSON, and as files that begin to arrive before they are complete."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import IsStaff, principal_async, principal_of
from apps.accounts.models import User
from apps.analytics import reports
from apps.analytics.groups import QuestionGroup
from apps.analytics.periods import Period, period_of
from apps.analytics.reports import Summary
from apps.analytics.shapes import shape_of
from apps.analytics.tables import EVENT_ROWS, TABLES, WITH_TEXTS, lines
from apps.chat.models import TranscriptView
from apps.chat.transcripts import record_view
from chatkit.errors import InvalidRequest, PermissionDenied
from chatkit.threads import in_thread
from chatkit.views import AsyncAPIView

READS_CONVERSATIONS = "chat.view_message"
PERIOD = [
    OpenApiParameter("from", {"type": "string", "format": "date"}, description="First day, by the site's clock."),
    OpenApiParameter("to", {"type": "string", "format": "date"}, description="Last day; today where absent."),
    OpenApiParameter("days", int, description="So many days up to the last; 30 where absent."),
]


class SummaryView(AsyncAPIView):
    permission_classes = (IsStaff,)

    @extend_schema(tags=["analytics"], parameters=PERIOD, responses={200: shape_of(Summary)})
    async def get(self, request: Request) -> Response:
        """All figures of a period. What visitors asked is in it for whoever may read conversations."""
        period = asked_period(request._request)
        principal = principal_of(request)
        found = await in_thread(reports.summary, period)
        if READS_CONVERSATIONS not in principal.permissions:
            return Response(without_texts(found))
        await in_thread(record_view, principal.user_id, TranscriptView.What.EXPORT, "summary")
        return Response(found)


def asked_period(request: HttpRequest) -> Period:
    return period_of(request.GET.get("from"), request.GET.get("to"), request.GET.get("days"))


def without_texts(found: Summary) -> Summary:
    return replace(
        found,
        unanswered_questions=tuple(map(without_text, found.unanswered_questions)),
        top_questions=tuple(map(without_text, found.top_questions)),
    )


def without_text(group: QuestionGroup) -> QuestionGroup:
    return replace(group, question="")


async def export(request: HttpRequest) -> HttpResponseBase:
    """For programs of staff, who show a credential."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    principal = await principal_async(request)
    if not principal.is_staff:
        raise PermissionDenied
    return await file_for(request, principal.user_id, may_read=READS_CONVERSATIONS in principal.permissions)


async def export_in_admin(request: HttpRequest) -> HttpResponseBase:
    """For links in the admin, where the session's cookie says who asks."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    user: User | AnonymousUser = await request.auser()
    if not isinstance(user, User) or not user.is_active or not user.is_staff:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    return await file_for(request, user.pk, may_read=await user.ahas_perm(READS_CONVERSATIONS))


async def file_for(request: HttpRequest, staff_id: UUID | None, *, may_read: bool) -> StreamingHttpResponse:
    """Whoever takes along what visitors asked is recorded before the file begins."""
    response, name = file_of(request, may_read=may_read), request.GET.get("report", "")
    if name in WITH_TEXTS:
        await in_thread(record_view, staff_id, TranscriptView.What.EXPORT, name)
    return response


def file_of(request: HttpRequest, *, may_read: bool) -> StreamingHttpResponse:
    """Refuses first: once the file has begun there is no status to say it with."""
    name, period = request.GET.get("report", ""), asked_period(request)
    if name not in TABLES and name != EVENT_ROWS:
        raise InvalidRequest.of({"report": [f"Must be one of {', '.join((*TABLES, EVENT_ROWS))}."]})
    if name in WITH_TEXTS and not may_read:
        raise PermissionDenied
    response = StreamingHttpResponse(chunks(name, period), content_type="text/csv; charset=utf-8")
    file = f"chatkit-{name}-{period.first}-{period.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    response["Cache-Control"] = "no-store"
    return response


async def chunks(name: str, period: Period) -> AsyncIterator[bytes]:
    """Read by a thread while the one before is on its way."""
    rest = lines(name, period)
    while (chunk := await in_thread(next, rest, None)) is not None:
        yield chunk


OPERATION: dict[str, Any] = {
    "get": {
        "operationId": "analytics_export",
        "summary": "One report, or the events themselves, as CSV.",
        "tags": ["analytics"],
        "security": [{"credential": []}],
        "parameters": [
            {"name": "report", "in": "query", "required": True, "schema": {"enum": [*TABLES, EVENT_ROWS]}},
            {"name": "from", "in": "query", "schema": {"type": "string", "format": "date"}},
            {"name": "to", "in": "query", "schema": {"type": "string", "format": "date"}},
            {"name": "days", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1100}},
        ],
        "responses": {"200": {"description": "The file.", "content": {"text/csv": {"schema": {"type": "string"}}}}},
    }
}
