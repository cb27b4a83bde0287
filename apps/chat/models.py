"""Conversations, what is said in them, and the turns that answer."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.credentials import Principal
from apps.accounts.models import Visitor
from chatkit.ids import new_id

HAS_ERROR = ~Q(error="")
JOURNALS_KEPT = timedelta(hours=1)
VIEWS_KEPT = timedelta(days=365)


class OwnedQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, principal: Principal) -> "OwnedQuerySet":
        """One's own. Everything else does not exist."""
        return self.filter(**owner_of(principal))

    def old(self) -> "OwnedQuerySet":
        """By the owner's setting; without it, none."""
        kept = settings.CHATKIT.conversations_kept_days
        return self.none() if kept is None else self.filter(updated_at__lt=timezone.now() - timedelta(days=kept))


def owner_of(principal: Principal) -> dict[str, uuid.UUID | None]:
    """The columns that say whose a conversation is."""
    if principal.is_person:
        return {"user_id": principal.user_id}
    return {"visitor_id": principal.visitor_id}


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="conversations"
    )
    visitor = models.ForeignKey(Visitor, models.CASCADE, null=True, blank=True, related_name="conversations")
    title = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True) ^ Q(visitor__isnull=True), name="chat_conversation_one_owner"
            )
        ]
        indexes = [
            models.Index(fields=["user", "-updated_at"], name="chat_conversation_of_user"),
            models.Index(fields=["visitor", "-updated_at"], name="chat_conversation_of_visitor"),
            models.Index(fields=["-updated_at"], name="chat_conversation_recent"),
        ]

    def __str__(self) -> str:
        return self.title or f"Conversation {self.id}"


class Message(models.Model):
    """What the visitor said, or what was answered."""

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"

    class Status(models.TextChoices):
        WRITING = "writing"
        COMPLETE = "complete"
        CANCELLED = "cancelled"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages", db_index=False)
    role = models.CharField(max_length=9, choices=Role)
    status = models.CharField(max_length=9, choices=Status, default=Status.COMPLETE)
    content = models.TextField(blank=True)
    sources = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    client_message_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_message_id"],
                condition=Q(client_message_id__isnull=False),
                name="chat_message_once",
            )
        ]
        indexes = [models.Index(fields=["conversation", "created_at"], name="chat_message_history")]

    def __str__(self) -> str:
        return f"{self.role}: {self.content[:60]}"


class TurnQuerySet(models.QuerySet["Turn"]):
    def visible_to(self, principal: Principal) -> "TurnQuerySet":
        return self.filter(**{f"conversation__{name}": value for name, value in owner_of(principal).items()})

    def running(self) -> "TurnQuerySet":
        return self.filter(status=Turn.Status.RUNNING)


class Turn(models.Model):
    """One question being answered. It belongs to the conversation, never to the connection that asked."""

    class Status(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="turns")
    question = models.ForeignKey(Message, models.CASCADE, related_name="turns")
    reply = models.OneToOneField(Message, models.CASCADE, related_name="answering_turn")
    status = models.CharField(max_length=9, choices=Status, default=Status.RUNNING)
    mode = models.CharField(max_length=8, default="browse")
    context = models.JSONField(default=dict, blank=True)
    agent = models.CharField(max_length=32, default="local")
    model = models.CharField(max_length=100, blank=True)
    error = models.CharField(max_length=64, blank=True)
    # What the provider counted; unknown where no provider was asked, or it broke off before it said.
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    cache_read_tokens = models.PositiveIntegerField(null=True, blank=True)
    cache_write_tokens = models.PositiveIntegerField(null=True, blank=True)
    stop_reason = models.CharField(max_length=32, blank=True)
    is_fallback = models.BooleanField(default=False)
    # What a running turn's process proves its life with; whoever finds it too old closes the turn.
    heartbeat_at = models.DateTimeField(default=timezone.now)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    first_token_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    last_seq = models.PositiveIntegerField(null=True, blank=True)

    objects = TurnQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(status="running"), name="chat_turn_one_running"
            )
        ]
        indexes = [
            models.Index(fields=["heartbeat_at"], condition=Q(status="running"), name="chat_turn_heartbeats"),
            models.Index(fields=["-created_at"], name="chat_turn_recent"),
            models.Index(fields=["model", "-created_at"], name="chat_turn_of_model"),
            # Rare ones have an index of their own, which costs the others nothing.
            models.Index(fields=["-created_at"], condition=Q(status="failed"), name="chat_turn_failed"),
            models.Index(fields=["-created_at"], condition=Q(status="cancelled"), name="chat_turn_cancelled"),
            models.Index(fields=["-created_at"], condition=Q(is_fallback=True), name="chat_turn_fallback"),
            models.Index(fields=["error", "-created_at"], condition=HAS_ERROR, name="chat_turn_of_error"),
        ]

    def __str__(self) -> str:
        return f"Turn {self.id}: {self.status}"


class TurnEventQuerySet(models.QuerySet["TurnEvent"]):
    def stale(self) -> "TurnEventQuerySet":
        """Of turns that ended an hour ago: their replies say the same in fewer rows."""
        # A subquery: a join would make the database look at every event again to delete a few.
        return self.filter(turn__in=Turn.objects.filter(ended_at__lte=timezone.now() - JOURNALS_KEPT))


class TurnEvent(models.Model):
    """One line of a turn's journal: what followers were told, in order, and may be told again."""

    pk = models.CompositePrimaryKey("turn_id", "seq")
    turn = models.ForeignKey(Turn, models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    event_type = models.CharField(max_length=32)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar = TurnEventQuerySet.as_manager()

    class Meta:
        ordering = ["turn", "seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.event_type}"


class Feedback(models.Model):
    """A thumb under an answer."""

    class Rating(models.IntegerChoices):
        UP = 1
        DOWN = -1

    message = models.OneToOneField(Message, models.CASCADE, related_name="feedback")
    rating = models.SmallIntegerField(choices=Rating)
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "feedback"
        ordering = ["-updated_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="chat_feedback_recent"),
            models.Index(fields=["rating", "-created_at"], name="chat_feedback_of_rating"),
        ]

    def __str__(self) -> str:
        return f"{self.get_rating_display()} for {self.message_id}"


class SavedChat(models.Model):
    """A copy that its owner keeps: later turns do not change it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_chats")
    conversation = models.ForeignKey(Conversation, models.SET_NULL, null=True, blank=True, related_name="saved_copies")
    title = models.CharField(max_length=200)
    messages = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="chat_saved_of_user"),
            models.Index(fields=["-created_at"], name="chat_saved_recent"),
        ]

    def __str__(self) -> str:
        return self.title


class TranscriptViewQuerySet(models.QuerySet["TranscriptView"]):
    def old(self) -> "TranscriptViewQuerySet":
        return self.filter(created_at__lte=timezone.now() - VIEWS_KEPT)


class TranscriptView(models.Model):
    """That a member of staff read what somebody said. Rows outlive what was read, of which they hold the id alone."""

    class What(models.TextChoices):
        CONVERSATION = "conversation", "Conversation"
        TURN = "turn", "Turn"
        SAVED_CHAT = "saved_chat", "Saved chat"
        FEEDBACK = "feedback", "Feedback"
        QUESTION = "question", "Unanswered question"
        EXPORT = "export", "Export"

    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="transcript_views", db_index=False
    )
    what = models.CharField(max_length=12, choices=What)
    # The key of the row, or the name of an export.
    key = models.CharField(max_length=100)
    conversation_key = models.UUIDField("conversation", null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TranscriptViewQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="chat_view_recent"),
            models.Index(fields=["staff", "-created_at"], name="chat_view_of_staff"),
            models.Index(fields=["what", "-created_at"], name="chat_view_of_what"),
            models.Index(fields=["conversation_key", "-created_at"], name="chat_view_of_conversation"),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()} {self.key}"


class HandledQuestion(models.Model):
    """A question that got no good answer, and that somebody has looked after since."""

    turn = models.OneToOneField(Turn, models.CASCADE, related_name="handling")
    document = models.ForeignKey("knowledge.Document", models.SET_NULL, null=True, blank=True, related_name="+")
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="handled_questions", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="chat_handled_recent"),
            models.Index(fields=["handled_by", "-created_at"], name="chat_handled_by"),
        ]

    def __str__(self) -> str:
        return f"Handled {self.turn_id}"
