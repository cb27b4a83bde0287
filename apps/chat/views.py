"""Turns over HTTP: asked and answered in one response, or streamed, resumed, cancelled and tried again."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import principal_of
from apps.chat import sse, turns
from apps.chat.admission import Accepted, accepted
from apps.chat.events import Event, EventType, failure_detail
from apps.chat.requests import turn_request
from apps.chat.serializers import ChatAnswerShape, ChatRequestShape
from apps.throttling.limits import announce
from chatkit.api import request_id
from chatkit.threads import in_thread
from chatkit.views import AsyncAPIView

TAG = ["chat"]
STREAM = {(200, "text/event-stream"): OpenApiTypes.STR}


class TurnFailed(turns.RuntimeUnavailable):
    """What the turn ended with, as the answer of a call that waited for it."""

    def __init__(self, event: Event) -> None:
        detail = {**failure_detail(event.body), "turn_id": str(event.turn_id)}
        wait = {"Retry-After": str(detail["retry_after"])} if "retry_after" in detail else {}
        super().__init__(event.body["message"], detail=detail, headers=wait)
        self.code = event.body["error"]  # type: ignore[misc]
        self.status = turns.status_of(self.code)  # type: ignore[misc]


async def accept(request: Request) -> Accepted:
    turn = await turns.start_turn(principal_of(request), turn_request(request.data, text_name="message"))
    return announced(request, turn)


def announced(request: Request, turn: Accepted) -> Accepted:
    if turn.allowance is not None:
        announce(request._request, turn.allowance)
    return turn


async def answered(turn: Accepted) -> Response:
    """Waits for the end. Who leaves before does not stop the answer."""
    sources: list[dict[str, Any]] = []
    async with aclosing(turns.follow(turn.turn_id)) as events:
        async for event in events:
            match event.event_type:
                case EventType.SOURCES:
                    sources = event.body["sources"]
                case EventType.FAILED:
                    raise TurnFailed(event)
                case EventType.COMPLETED | EventType.CANCELLED:
                    return Response(answer_body(turn, event, sources))
    raise turns.RuntimeUnavailable


def answer_body(turn: Accepted, end: Event, sources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "answer": end.body["answer"],
        "status": "completed" if end.event_type is EventType.COMPLETED else "cancelled",
        "sources": sources,
        "metadata": end.body.get("metadata"),
        **turn.ids(),
    }


class ChatView(AsyncAPIView):
    @extend_schema(tags=TAG, request=ChatRequestShape, responses=ChatAnswerShape)
    async def post(self, request: Request) -> Response:
        """Asks, and answers when the answer is complete."""
        return await answered(await accept(request))


class StreamView(AsyncAPIView):
    @extend_schema(tags=TAG, request=ChatRequestShape, responses=STREAM)
    async def post(self, request: Request) -> StreamingHttpResponse:
        """Asks, and streams the answer: `sources`, `token`…, then `done` or `error`."""
        return sse.stream(await accept(request), -1, request_id(request._request))


class TurnEventsView(AsyncAPIView):
    @extend_schema(
        tags=TAG,
        responses=STREAM,
        parameters=[
            OpenApiParameter("after", int, description="Number of the last event that was received."),
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="As browsers send it."),
        ],
    )
    async def get(self, request: Request, turn_id: UUID) -> StreamingHttpResponse:
        """The stream of a turn from a point on, live or finished."""
        after = sse.after(request.headers.get("Last-Event-ID"), request.query_params.get("after"))
        turn = accepted(await in_thread(turns.visible_turn, principal_of(request), turn_id), None)
        return sse.stream(turn, after, request_id(request._request))


class CancelView(AsyncAPIView):
    @extend_schema(tags=TAG, request=None, responses={202: None})
    async def post(self, request: Request, turn_id: UUID) -> Response:
        """Stops the answer; what was written is kept. Twice is as good as once."""
        await turns.cancel_turn(principal_of(request), turn_id)
        return Response(status=202)


class RetryView(AsyncAPIView):
    @extend_schema(tags=TAG, request=None, responses=ChatAnswerShape)
    async def post(self, request: Request, message_id: UUID) -> Response | StreamingHttpResponse:
        """Answers the question of a reply once more; a stream for callers who accept one."""
        turn = announced(request, await turns.retry_turn(principal_of(request), message_id))
        if "text/event-stream" in request.headers.get("Accept", ""):
            return sse.stream(turn, -1, request_id(request._request))
        return await answered(turn)
