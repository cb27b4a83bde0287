"""Copies of chats that a person keeps: sent along by the client, or taken from a conversation."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import IsPerson, principal_of
from apps.accounts.credentials import Principal
from apps.accounts.serializers import Text, checked
from apps.chat import signals
from apps.chat.conversations import NoSuchConversation, OwnView, StoredSources, key_of, own_conversation
from apps.chat.fields import Choice, Identifier, ObjectSerializer, ShortList, Title
from apps.chat.models import Message, SavedChat
from apps.chat.pages import NewestFirst
from apps.throttling import limits
from chatkit.errors import InvalidRequest, NotFound, PayloadTooLarge

TAG = ["saved chats"]
ID = OpenApiParameter("chat_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
MOST_MESSAGES = 500
MOST_BYTES = 1024 * 1024
LONGEST_DERIVED_TITLE = 80
Copied = list[dict[str, Any]]


class ChatTooLarge(PayloadTooLarge):
    sentence = f"A saved chat may have {MOST_MESSAGES} messages and 1 MiB of text."


class SavedMessage(ObjectSerializer):
    role = Choice(Message.Role.choices)
    content = Text(allow_blank=True, trim_whitespace=False)


class SaveRequest(serializers.Serializer[Any]):
    messages = ShortList(child=SavedMessage(), required=False, allow_null=True, min_length=1, max_length=MOST_MESSAGES)
    conversation_id = Identifier(required=False, allow_null=True)
    title = Title(required=False, allow_null=True, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("messages", "conversation_id") if attrs.get(name) is not None]
        if len(given) != 1:
            raise serializers.ValidationError({"messages": ["Send either `messages` or `conversation_id`."]})
        return attrs


class SaveAnswer(serializers.Serializer[Any]):
    chat_id = serializers.CharField(source="id")
    saved_at = serializers.DateTimeField(source="created_at")


class SavedChatSummary(SaveAnswer):
    title = serializers.CharField()
    conversation_id = serializers.UUIDField(allow_null=True)


class KeptMessage(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Message.Role.choices)
    content = serializers.CharField(allow_blank=True)
    sources = StoredSources(required=False)


class SavedChatAnswer(SavedChatSummary):
    messages = KeptMessage(many=True)


def saved_chats(principal: Principal) -> "QuerySet[SavedChat]":
    return SavedChat.objects.filter(user_id=principal.person_id)


def copy_of(asked: dict[str, Any], principal: Principal) -> SavedChat:
    """What would be saved, not saved yet."""
    chat = SavedChat(user_id=principal.person_id, title=asked.get("title") or "")
    if (conversation_id := asked.get("conversation_id")) is not None:
        conversation = own_conversation(principal, str(conversation_id))
        chat.conversation, chat.title = conversation, chat.title or conversation.title
        chat.messages = copied(conversation.messages.exclude(content=""))
    else:
        chat.messages = asked["messages"]
    check_size(chat.messages)
    chat.title = chat.title or derived_title(chat.messages)
    return chat


def copied(messages: "QuerySet[Message]") -> Copied:
    """What has been said so far; an answer's sources come along."""
    rows = messages.values("role", "content", "sources")[: MOST_MESSAGES + 1]
    return [{name: value for name, value in row.items() if value != []} for row in rows]


def check_size(messages: Copied) -> None:
    if not messages:
        raise InvalidRequest.of({"conversation_id": ["Nothing has been said in this conversation."]})
    size = sum(len(message["content"].encode()) for message in messages)
    if len(messages) > MOST_MESSAGES or size > MOST_BYTES:
        raise ChatTooLarge


def derived_title(messages: Sequence[dict[str, Any]]) -> str:
    """The beginning of what the person said first."""
    said = [" ".join(row["content"].split()) for row in messages if row["role"] == Message.Role.USER]
    printable = ("".join(letter for letter in text if letter.isprintable()) for text in said)
    return next(filter(None, printable), "Saved chat")[:LONGEST_DERIVED_TITLE]


def keep(chat: SavedChat) -> None:
    try:
        chat.save(force_insert=True)
    except IntegrityError as exc:  # the conversation was deleted since it was copied
        raise NoSuchConversation from exc
    signals.chat_saved.send_robust(sender=None, chat=chat)


class SaveView(OwnView):
    permission_classes = (IsPerson,)

    @extend_schema(tags=TAG, request=SaveRequest, responses=SaveAnswer)
    def post(self, request: Request) -> Response:
        """Keeps a copy of a chat. Later turns do not change it."""
        principal = principal_of(request)
        chat = copy_of(dict(checked(SaveRequest, request.data)), principal)
        limits.announce(request._request, limits.require(principal.subject, "save_chat"))
        keep(chat)
        return Response(SaveAnswer(chat).data)


class SavedChatsView(OwnView, ListAPIView[SavedChat]):
    permission_classes = (IsPerson,)
    serializer_class = SavedChatSummary
    pagination_class = NewestFirst

    def get_queryset(self) -> "QuerySet[SavedChat]":
        """A page of fifty must not read fifty times a mebibyte."""
        return saved_chats(principal_of(self.request)).defer("messages")

    @extend_schema(tags=TAG)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The caller's saved chats, without their messages."""
        return super().get(request, *args, **kwargs)


class NoSuchSavedChat(NotFound):
    sentence = "There is no such saved chat."


class SavedChatView(OwnView):
    permission_classes = (IsPerson,)

    @extend_schema(tags=TAG, parameters=[ID], responses=SavedChatAnswer)
    def get(self, request: Request, chat_id: str) -> Response:
        """One saved chat."""
        chat = saved_chats(principal_of(request)).filter(id=key_of(chat_id, NoSuchSavedChat)).first()
        if chat is None:
            raise NoSuchSavedChat
        return Response(SavedChatAnswer(chat).data)

    @extend_schema(tags=TAG, parameters=[ID], request=None, responses={204: None})
    def delete(self, request: Request, chat_id: str) -> Response:
        """Deletes a saved chat; the conversation it was taken from stays."""
        deleted, _ = saved_chats(principal_of(request)).filter(id=key_of(chat_id, NoSuchSavedChat)).delete()
        if not deleted:
            raise NoSuchSavedChat
        return Response(status=204)
