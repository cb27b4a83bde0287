"""One's own conversations: listed, read, renamed, deleted. Everybody else's do not exist."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.authentication import principal_of
from apps.accounts.credentials import Principal
from apps.accounts.serializers import checked
from apps.accounts.visitors import uuid_of
from apps.chat import takeover
from apps.chat.admission import TurnInProgress
from apps.chat.fields import Title
from apps.chat.models import Conversation, Feedback, Message
from apps.chat.pages import OldestFirst, RecentlyUsedFirst
from apps.chat.serializers import SourceShape
from chatkit.errors import NotFound

TAG = ["conversations"]
ID = OpenApiParameter("conversation_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class NoSuchConversation(NotFound):
    sentence = "There is no such conversation."


class ConversationAnswer(serializers.ModelSerializer[Conversation]):
    class Meta:
        model = Conversation
        fields = ("id", "title", "created_at", "updated_at")


class RenameRequest(serializers.Serializer[Any]):
    title = Title()


@extend_schema_field(SourceShape(many=True))
class StoredSources(serializers.JSONField):
    """As they were given with the answer."""


class MessageAnswer(serializers.ModelSerializer[Message]):
    """`turn_id` is what to follow while the status is `writing`; `rating` is one's own feedback."""

    sources = StoredSources()
    metadata = serializers.DictField()
    turn_id = serializers.UUIDField(allow_null=True)
    rating = serializers.ChoiceField(Feedback.Rating.choices, allow_null=True)

    class Meta:
        model = Message
        fields = (
            "id",
            "role",
            "status",
            "content",
            "sources",
            "metadata",
            "client_message_id",
            "turn_id",
            "rating",
            "created_at",
        )


class OwnView(APIView):
    """What somebody said is theirs, so nobody on the way may keep it."""

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "no-store"}


def key_of(asked: str, missing: type[NotFound] = NoSuchConversation) -> UUID:
    """What is not even an id names nothing."""
    key = uuid_of(asked)
    if key is None:
        raise missing
    return key


def own_conversation(principal: Principal, asked: str) -> Conversation:
    own = Conversation.objects.visible_to(principal).filter(id=key_of(asked)).first()
    if own is None:
        raise NoSuchConversation
    return own


def messages_of(conversation: Conversation) -> "QuerySet[Message]":
    """With what else is told of them, in one query for all."""
    told = {"turn_id": F("answering_turn__id"), "rating": F("feedback__rating")}
    return Message.objects.filter(conversation=conversation).annotate(**told)


def rename(principal: Principal, asked: str, title: str) -> None:
    """Not a use of the conversation: it keeps its place in the list."""
    own = Conversation.objects.visible_to(principal).filter(id=key_of(asked))
    if not own.update(title=title):
        raise NoSuchConversation


def delete(principal: Principal, asked: str) -> None:
    """With all messages, turns and journals. A turn that runs has to end or to be cancelled first."""
    with transaction.atomic():
        # Each new turn touches the conversation's row, so that none can begin while this lock is held.
        own = Conversation.objects.visible_to(principal).select_for_update(of=("self",)).filter(id=key_of(asked))
        conversation = own.first()
        if conversation is None:
            raise NoSuchConversation
        if takeover.is_busy(conversation.id):
            raise TurnInProgress
        conversation.delete()


class ConversationsView(OwnView, ListAPIView[Conversation]):
    serializer_class = ConversationAnswer
    pagination_class = RecentlyUsedFirst

    def get_queryset(self) -> "QuerySet[Conversation]":
        return Conversation.objects.visible_to(principal_of(self.request))

    @extend_schema(tags=TAG)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The caller's conversations, those used last first."""
        return super().get(request, *args, **kwargs)


class ConversationView(OwnView):
    @extend_schema(tags=TAG, parameters=[ID], responses=ConversationAnswer)
    def get(self, request: Request, conversation_id: str) -> Response:
        """One conversation, without its messages."""
        return Response(ConversationAnswer(own_conversation(principal_of(request), conversation_id)).data)

    @extend_schema(tags=TAG, parameters=[ID], request=RenameRequest, responses=ConversationAnswer)
    def patch(self, request: Request, conversation_id: str) -> Response:
        """Gives the conversation another title."""
        principal = principal_of(request)
        rename(principal, conversation_id, checked(RenameRequest, request.data)["title"])
        return Response(ConversationAnswer(own_conversation(principal, conversation_id)).data)

    @extend_schema(tags=TAG, parameters=[ID], request=None, responses={204: None})
    def delete(self, request: Request, conversation_id: str) -> Response:
        """Deletes the conversation and all that was said in it. 409 `turn_in_progress` while an answer is written."""
        delete(principal_of(request), conversation_id)
        return Response(status=204)


class MessagesView(OwnView, ListAPIView[Message]):
    serializer_class = MessageAnswer
    pagination_class = OldestFirst

    def get_queryset(self) -> "QuerySet[Message]":
        if getattr(self, "swagger_fake_view", False):
            return Message.objects.none()
        return messages_of(own_conversation(principal_of(self.request), self.kwargs["conversation_id"]))

    @extend_schema(tags=TAG, parameters=[ID])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What was said in a conversation, from its beginning."""
        return super().get(request, *args, **kwargs)
