"""A conversation to take along: Markdown for people, JSON for programs."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import principal_of
from apps.accounts.serializers import checked
from apps.chat import markdown
from apps.chat.conversations import ID, TAG, ConversationAnswer, MessageAnswer, OwnView, messages_of, own_conversation
from apps.chat.fields import Choice
from apps.chat.models import Conversation

FORMATS = ("md", "json")
LONGEST_NAME = 60
FORMAT = OpenApiParameter("format", str, enum=FORMATS, default="md")


class ExportRequest(serializers.Serializer[Any]):
    format = Choice(FORMATS, default="md")


class ExportAnswer(serializers.Serializer[Any]):
    exported_at = serializers.DateTimeField()
    conversation = ConversationAnswer()
    messages = MessageAnswer(many=True)


def download_headers(conversation: Conversation, extension: str) -> dict[str, str]:
    """Letters, digits and hyphens of the title, then the day, so that no system finds a reserved name in it."""
    title = slugify(conversation.title, allow_unicode=True)[:LONGEST_NAME].strip("-_") or "conversation"
    name = f"{title}-{conversation.created_at:%Y-%m-%d}.{extension}"
    return {"Content-Disposition": str(content_disposition_header(as_attachment=True, filename=name))}


class ExportView(OwnView):
    @extend_schema(
        tags=TAG,
        parameters=[ID, FORMAT],
        responses={(200, "application/json"): ExportAnswer, (200, "text/markdown"): OpenApiTypes.STR},
    )
    def get(self, request: Request, conversation_id: str) -> Response | HttpResponse:
        """The conversation as a file. Without `format`, Markdown."""
        extension = checked(ExportRequest, request.query_params.dict())["format"]
        conversation = own_conversation(principal_of(request), conversation_id)
        headers = download_headers(conversation, extension)
        messages = messages_of(conversation)
        if extension == "md":
            text = "".join(markdown.document(conversation, messages))
            return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)
        body = {"exported_at": timezone.now(), "conversation": conversation, "messages": messages}
        return Response(ExportAnswer(body).data, headers=headers)
