"""What somebody thinks of an answer they got: one opinion an answer, the last one counts."""

from typing import Any

from django.db import IntegrityError
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import principal_of
from apps.accounts.credentials import Principal
from apps.accounts.serializers import Text, checked
from apps.chat.conversations import TAG, OwnView, key_of
from apps.chat.fields import Choice
from apps.chat.models import Conversation, Feedback, Message
from chatkit.errors import NotFound

LONGEST_COMMENT = 2_000
ID = OpenApiParameter("message_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class NoSuchAnswer(NotFound):
    sentence = "There is no such answer."


class FeedbackRequest(serializers.Serializer[Any]):
    rating = Choice(Feedback.Rating.choices)
    comment = Text(required=False, allow_null=True, allow_blank=True, max_length=LONGEST_COMMENT)


class FeedbackAnswer(serializers.Serializer[Any]):
    message_id = serializers.UUIDField()
    rating = serializers.ChoiceField(Feedback.Rating.choices)
    comment = serializers.CharField(allow_blank=True)
    updated_at = serializers.DateTimeField()


def rate(principal: Principal, asked: str, *, rating: int, comment: str) -> Feedback:
    """One statement that inserts or replaces, so that two clicks at the same time are as good as one."""
    own = Conversation.objects.visible_to(principal)
    answers = Message.objects.filter(role=Message.Role.ASSISTANT, conversation__in=own)
    message = answers.filter(id=key_of(asked, NoSuchAnswer)).only("id").first()
    if message is None:
        raise NoSuchAnswer
    now = timezone.now()
    feedback = Feedback(message=message, rating=rating, comment=comment, created_at=now, updated_at=now)
    updated = ["rating", "comment", "updated_at"]
    try:
        Feedback.objects.bulk_create(
            [feedback], update_conflicts=True, unique_fields=["message"], update_fields=updated
        )
    except IntegrityError as exc:  # deleted since it was found
        raise NoSuchAnswer from exc
    return feedback


class FeedbackView(OwnView):
    @extend_schema(tags=TAG, parameters=[ID], request=FeedbackRequest, responses=FeedbackAnswer)
    def post(self, request: Request, message_id: str) -> Response:
        """Rates an answer. Rating it again replaces the rating and the comment."""
        asked = checked(FeedbackRequest, request.data)
        comment = asked.get("comment") or ""
        feedback = rate(principal_of(request), message_id, rating=asked["rating"], comment=comment)
        return Response(FeedbackAnswer(feedback).data)
