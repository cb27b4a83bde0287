"""What was asked and answered, to read and to search. Nobody writes it by hand, and all of it is shown as text."""

from itertools import islice
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from apps.chat.models import (
    HAS_ERROR,
    Conversation,
    Feedback,
    HandledQuestion,
    Message,
    SavedChat,
    TranscriptView,
    Turn,
    TurnEvent,
)
from apps.chat.transcripts import Line, lines_of, record_view, saved_lines_of, seconds, tokens
from chatkit.admin import RecentValues, WrittenBySystem

# A page of text that a browser still shows at once; longer conversations are exported.
SHOWN = 500


def owner_of(conversation: Conversation) -> str:
    return str(conversation.user or conversation.visitor)


def link_to(conversation: Conversation) -> str:
    address = reverse("admin:chat_conversation_change", args=[conversation.pk])
    return format_html('<a href="{}">{}</a>', address, conversation)


class Transcribed(WrittenBySystem):
    """Pages that show what somebody said. Each look at one is recorded."""

    change_form_template = "admin/chat/transcript.html"
    what: ClassVar[TranscriptView.What]

    def transcript(self, row: Any) -> list[Line]:
        """Up to one line more than is shown."""
        raise NotImplementedError

    def conversation_key(self, row: Any) -> UUID | None:
        key: UUID | None = row.conversation_id
        return key

    def journal(self, row: Any) -> "list[TurnEvent]":
        return []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        record_view(request.user.pk, self.what, row.pk, conversation=self.conversation_key(row))
        lines = self.transcript(row)
        shown = {
            "transcript": lines[:SHOWN],
            "is_cut": len(lines) > SHOWN,
            "shown": SHOWN,
            "journal": self.journal(row)[:SHOWN],
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})


class OwnedBy(admin.SimpleListFilter):
    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("person", "People"), ("visitor", "Visitors")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Asks which owner is absent, since there is one of two: an index can be ordered behind an absence."""
        absent = {"person": "visitor", "visitor": "user"}.get(self.value() or "")
        return queryset.filter(**{absent: None}) if absent else queryset


@admin.register(Conversation)
class ConversationAdmin(Transcribed):
    what = TranscriptView.What.CONVERSATION
    list_display = ("__str__", "owner", "created_at", "updated_at")
    list_filter = ("updated_at", OwnedBy)
    list_prefetch_related = ("user", "visitor")
    sortable_by = ("updated_at",)
    exact = {
        "id": "conversation id",
        "user__email": "e-mail address",
        "user_id": "user id",
        "visitor_id": "visitor id",
        "messages__id": "message id",
        "turns__id": "turn id",
    }
    words = ("title",)
    looked_through = 2_000
    ordering = ("-updated_at",)
    fields = ("id", "title", "owner", "created_at", "updated_at")

    @admin.display
    def owner(self, conversation: Conversation) -> str:
        return owner_of(conversation)

    def with_words(self, rows: "QuerySet[Any]", asked: list[str]) -> "QuerySet[Any]":
        """In titles and in what was said."""
        keys = self.newest_keys()
        rows = rows.filter(pk__in=keys)
        for word in asked:
            said = Message.objects.filter(conversation__in=keys, content__icontains=word)
            rows = rows.filter(self.saying(word) | Q(pk__in=said.values("conversation_id")))
        return rows

    def conversation_key(self, row: Conversation) -> UUID:
        return row.id

    def transcript(self, row: Conversation) -> list[Line]:
        return list(lines_of(row.messages.select_related("answering_turn", "feedback")[: SHOWN + 1]))


class StatusFilter(admin.ChoicesFieldListFilter):
    """Nearly all are completed, which SQLite does not know: asked for equality, it would sort the whole table."""

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        asked_for = self.used_parameters.get(self.lookup_kwarg)
        if asked_for == [Turn.Status.RUNNING]:
            # The few there are, by the index of their heartbeats; in the order of the list all others come first.
            return queryset.filter(pk__in=Turn.objects.running().values("pk"))
        if asked_for == [Turn.Status.COMPLETED]:
            return queryset.exclude(status__in=[*{*Turn.Status} - {Turn.Status.COMPLETED}])
        rows: QuerySet[Any] | None = super().queryset(request, queryset)
        return queryset if rows is None else rows


class ErrorFilter(RecentValues):
    """By the index of the turns that have one, which SQLite only takes where the same words are asked for."""

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        rows: QuerySet[Any] | None = super().queryset(request, queryset)
        found = queryset if rows is None else rows
        return found.filter(HAS_ERROR) if self.lookup_kwarg in self.used_parameters else found


@admin.register(Turn)
class TurnAdmin(Transcribed):
    what = TranscriptView.What.TURN
    list_display = (
        "created_at",
        "status",
        "provider",
        "model",
        "tokens",
        "first_token",
        "total",
        "error",
        "fallback",
        "conversation",
    )
    list_filter = (
        "created_at",
        ("status", StatusFilter),
        ("model", RecentValues),
        ("error", ErrorFilter),
        "is_fallback",
    )
    list_prefetch_related = ("conversation",)
    sortable_by = ("created_at",)
    exact = {
        "id": "turn id",
        "conversation_id": "conversation id",
        "question_id": "message id",
        "reply_id": "message id",
        "conversation__user__email": "e-mail address",
    }
    words = ("question__content",)
    looked_through = 2_000
    ordering = ("-created_at",)
    fields = (
        "id",
        "conversation_link",
        "status",
        "error",
        "provider",
        "model",
        "is_fallback",
        "mode",
        "context",
        "tokens",
        "stop_reason",
        "created_at",
        "first_token",
        "total",
        "heartbeat_at",
        "cancel_requested_at",
        "ended_at",
        "last_seq",
    )

    @admin.display(description="conversation")
    def conversation_link(self, turn: Turn) -> str:
        return link_to(turn.conversation)

    @admin.display
    def provider(self, turn: Turn) -> str:
        return turn.agent

    @admin.display
    def tokens(self, turn: Turn) -> str:
        return tokens(turn)

    @admin.display
    def fallback(self, turn: Turn) -> str:
        return "local agent" if turn.is_fallback else ""

    @admin.display(description="time to first token")
    def first_token(self, turn: Turn) -> str:
        return seconds(turn.created_at, turn.first_token_at)

    @admin.display(description="total time")
    def total(self, turn: Turn) -> str:
        return seconds(turn.created_at, turn.ended_at)

    def transcript(self, row: Turn) -> list[Line]:
        """The question and this answer, whatever else was said."""
        both = Message.objects.filter(pk__in=[row.question_id, row.reply_id])
        return list(lines_of(both.select_related("answering_turn", "feedback")))

    def journal(self, row: Turn) -> "list[TurnEvent]":
        return list(row.events.order_by("seq")[:SHOWN])


@admin.register(SavedChat)
class SavedChatAdmin(Transcribed):
    what = TranscriptView.What.SAVED_CHAT
    list_display = ("title", "user", "created_at")
    list_filter = ("created_at",)
    list_prefetch_related = ("user",)
    sortable_by = ("created_at",)
    exact = {"id": "saved chat id", "user__email": "e-mail address", "conversation_id": "conversation id"}
    words = ("title",)
    ordering = ("-created_at",)
    fields = ("id", "title", "user", "conversation", "created_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[SavedChat]":
        """The list needs titles, not texts."""
        return super().get_queryset(request).defer("messages")

    def transcript(self, row: SavedChat) -> list[Line]:
        return list(islice(saved_lines_of(row.messages), SHOWN + 1))


@admin.register(Feedback)
class FeedbackAdmin(Transcribed):
    what = TranscriptView.What.FEEDBACK
    list_display = ("created_at", "rating", "comment", "conversation")
    list_filter = ("created_at", "rating")
    list_prefetch_related = ("message__conversation",)
    sortable_by = ("created_at",)
    exact = {
        "message_id": "message id",
        "message__conversation_id": "conversation id",
        "message__conversation__user__email": "e-mail address",
    }
    words = ("comment", "message__content")
    looked_through = 2_000
    ordering = ("-created_at",)
    fields = ("rating", "comment", "conversation", "created_at", "updated_at")

    @admin.display
    def conversation(self, feedback: Feedback) -> str:
        return link_to(feedback.message.conversation)

    def conversation_key(self, row: Feedback) -> UUID:
        return row.message.conversation_id

    def transcript(self, row: Feedback) -> list[Line]:
        """The rated answer, and the question before it."""
        turn = Turn.objects.filter(reply_id=row.message_id).first()
        keys = [turn.question_id, turn.reply_id] if turn else [row.message_id]
        return list(lines_of(Message.objects.filter(pk__in=keys).select_related("answering_turn", "feedback")))


@admin.register(TranscriptView)
class TranscriptViewAdmin(WrittenBySystem):
    list_display = ("created_at", "staff", "what", "key", "conversation_key")
    list_filter = ("created_at", "what")
    list_prefetch_related = ("staff",)
    sortable_by = ("created_at",)
    exact = {"staff__email": "e-mail address of staff", "conversation_key": "conversation id"}
    ordering = ("-created_at",)


@admin.register(HandledQuestion)
class HandledQuestionAdmin(WrittenBySystem):
    list_display = ("created_at", "handled_by", "turn", "document")
    list_filter = ("created_at",)
    list_prefetch_related = ("handled_by", "turn", "document")
    sortable_by = ("created_at",)
    exact = {"turn_id": "turn id", "handled_by__email": "e-mail address of staff"}
    ordering = ("-created_at",)
