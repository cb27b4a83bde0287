"""What was asked and answered, to read and to search. Nobody writes it by hand, and all of it is shown as text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from apps.chat.citations import Citation, citations_of
from apps.chat.models import Conversation, Feedback, Message, SavedChat, Turn
from chatkit.admin import WrittenBySystem

# A page of text that a browser still shows at once; longer conversations are exported.
SHOWN = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a transcript."""

    role: str
    content: str
    citations: list[Citation]
    created_at: datetime | None = None
    status: str = ""
    turn: Turn | None = None
    feedback: Feedback | None = None
    facts: list[tuple[str, str]] = field(default_factory=list)


def lines_of(messages: Iterable[Message]) -> Iterator[Line]:
    for message in messages:
        turn: Turn | None = getattr(message, "answering_turn", None)
        thumb: Feedback | None = getattr(message, "feedback", None)
        facts = facts_of(turn) if turn else []
        sources = list(citations_of(message.sources))
        yield Line(message.role, message.content, sources, message.created_at, message.status, turn, thumb, facts)


def facts_of(turn: Turn) -> list[tuple[str, str]]:
    facts = [
        ("agent", turn.agent),
        ("model", turn.model),
        ("first token", seconds(turn.created_at, turn.first_token_at)),
        ("total", seconds(turn.created_at, turn.ended_at)),
        ("tokens", tokens(turn)),
        ("ended with", turn.stop_reason),
        ("fallback", "the local agent answered" if turn.is_fallback else ""),
        ("error", turn.error),
    ]
    return [(name, value) for name, value in facts if value]


def seconds(begin: datetime, end: datetime | None) -> str:
    return "" if end is None else f"{(end - begin).total_seconds():.2f} s"


def tokens(turn: Turn) -> str:
    """As the provider counted them."""
    counts = {
        "in": turn.input_tokens,
        "out": turn.output_tokens,
        "from cache": turn.cache_read_tokens,
        "to cache": turn.cache_write_tokens,
    }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def owner_of(conversation: Conversation) -> str:
    return str(conversation.user or conversation.visitor)


def link_to(conversation: Conversation) -> str:
    address = reverse("admin:chat_conversation_change", args=[conversation.pk])
    return format_html('<a href="{}">{}</a>', address, conversation)


class Transcribed(WrittenBySystem):
    change_form_template = "admin/chat/transcript.html"
    show_full_result_count = False

    def transcript(self, row: Any) -> list[Line]:
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        lines = [] if row is None or not self.has_view_permission(request, row) else self.transcript(row)
        shown = {"transcript": lines[:SHOWN], "is_cut": len(lines) > SHOWN, "shown": SHOWN}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})


@admin.register(Conversation)
class ConversationAdmin(Transcribed):
    list_display = ("__str__", "owner", "created_at", "updated_at")
    list_filter = ("updated_at", ("user", admin.EmptyFieldListFilter))
    list_select_related = ("user", "visitor")
    search_fields = ("title", "user__email", "id", "user__id", "visitor__id")
    ordering = ("-updated_at",)
    fields = ("id", "title", "owner", "created_at", "updated_at")

    @admin.display(ordering="user__email")
    def owner(self, conversation: Conversation) -> str:
        return owner_of(conversation)

    def transcript(self, row: Conversation) -> list[Line]:
        return list(lines_of(row.messages.select_related("answering_turn", "feedback")[: SHOWN + 1]))


@admin.register(Turn)
class TurnAdmin(WrittenBySystem):
    list_display = (
        "id",
        "status",
        "agent",
        "model",
        "created_at",
        "first_token",
        "total",
        "tokens",
        "stop_reason",
        "error",
        "conversation",
    )
    list_filter = ("status", "agent", "model", "is_fallback", "stop_reason", "mode", "error", "created_at")
    list_select_related = ("conversation",)
    search_fields = ("id", "conversation__id", "conversation__title", "conversation__user__email", "error")
    ordering = ("-created_at",)
    show_full_result_count = False
    fields = (
        "id",
        "conversation_link",
        "status",
        "error",
        "agent",
        "model",
        "is_fallback",
        "stop_reason",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "mode",
        "context",
        "question",
        "reply",
        "created_at",
        "first_token",
        "total",
        "heartbeat_at",
        "cancel_requested_at",
        "ended_at",
        "last_seq",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Turn]:
        return super().get_queryset(request).select_related("conversation", "question", "reply")

    @admin.display(description="conversation")
    def conversation_link(self, turn: Turn) -> str:
        return link_to(turn.conversation)

    @admin.display(description="time to first token")
    def first_token(self, turn: Turn) -> str:
        return seconds(turn.created_at, turn.first_token_at)

    @admin.display(description="total time")
    def total(self, turn: Turn) -> str:
        return seconds(turn.created_at, turn.ended_at)

    @admin.display
    def tokens(self, turn: Turn) -> str:
        return tokens(turn)


@admin.register(SavedChat)
class SavedChatAdmin(Transcribed):
    list_display = ("title", "user", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("user",)
    search_fields = ("title", "user__email", "id")
    ordering = ("-created_at",)
    fields = ("id", "title", "user", "conversation", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedChat]:
        """The list needs titles, not texts."""
        return super().get_queryset(request).defer("messages")

    def transcript(self, row: SavedChat) -> list[Line]:
        kept = row.messages[: SHOWN + 1]
        return [Line(said["role"], said["content"], list(citations_of(said.get("sources", [])))) for said in kept]


@admin.register(Feedback)
class FeedbackAdmin(WrittenBySystem):
    list_display = ("rating", "comment", "answer", "conversation", "updated_at")
    list_filter = ("rating", "updated_at")
    list_select_related = ("message__conversation",)
    search_fields = ("comment", "message__content", "message__conversation__user__email", "message__id")
    ordering = ("-updated_at",)
    show_full_result_count = False
    fields = ("rating", "comment", "answer", "conversation", "created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feedback]:
        return super().get_queryset(request).select_related("message__conversation")

    @admin.display
    def answer(self, feedback: Feedback) -> str:
        return feedback.message.content[:200]

    @admin.display
    def conversation(self, feedback: Feedback) -> str:
        return link_to(feedback.message.conversation)
