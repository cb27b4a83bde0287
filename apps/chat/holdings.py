"""What chat keeps of people: what moves with a visitor who signs in, is exported, is deleted, and goes with time."""

from django.db.models import QuerySet

from apps.accounts import rights, visitors
from apps.accounts.models import User, Visitor
from apps.chat.models import (
    Conversation,
    Feedback,
    HandledQuestion,
    Message,
    SavedChat,
    TranscriptView,
    Turn,
    TurnEvent,
)
from chatkit import retention

# Some ten thousand events at the most, which go in less time than a writer waits.
JOURNALS_AT_ONCE = 100


def register() -> None:
    visitors.register_mover(move_conversations)
    retention.register("conversations nobody continued", Conversation.objects.old)
    stale = TurnEvent.objects.stale
    retention.register("journals of turns that ended", stale, by="turn_id", batch=JOURNALS_AT_ONCE)
    retention.register("records of reading older than a year", TranscriptView.objects.old)
    # What refers to something stands before it, so that each erasure finds few rows to take along.
    rights.register("journals", TurnEvent, export=journals, erase=lambda user: journals_of(user).delete())
    rights.register("turns", Turn, export=turns, erase=lambda user: turns_of(user).delete())
    rights.register("feedback", Feedback, export=feedback, erase=lambda user: feedback_of(user).delete())
    rights.register("messages", Message, export=messages, erase=lambda user: messages_of(user).delete())
    rights.register(
        "conversations",
        Conversation,
        export=conversations,
        erase=lambda user: Conversation.objects.filter(user=user).delete(),
    )
    rights.register(
        "transcript_views",
        TranscriptView,
        export=transcript_views,
        erase=lambda user: user.transcript_views.update(staff=None),
    )
    rights.register(
        "handled_questions",
        HandledQuestion,
        export=handled_questions,
        erase=lambda user: user.handled_questions.update(handled_by=None),
    )
    rights.register(
        "saved_chats", SavedChat, export=saved_chats, erase=lambda user: SavedChat.objects.filter(user=user).delete()
    )


def move_conversations(visitor: Visitor, user: User) -> int:
    moved = Message.objects.filter(conversation__visitor=visitor).count()
    Conversation.objects.filter(visitor=visitor).update(user=user, visitor=None)
    return moved


def conversations(user: User) -> rights.Rows:
    return Conversation.objects.filter(user=user).values("id", "title", "created_at", "updated_at")


def messages_of(user: User) -> "QuerySet[Message]":
    return Message.objects.filter(conversation__user=user)


def messages(user: User) -> rights.Rows:
    return messages_of(user).values(
        "id",
        "conversation_id",
        "role",
        "status",
        "content",
        "sources",
        "metadata",
        "client_message_id",
        "created_at",
    )


def turns_of(user: User) -> "QuerySet[Turn]":
    return Turn.objects.filter(conversation__user=user)


def turns(user: User) -> rights.Rows:
    return turns_of(user).values(
        "id",
        "conversation_id",
        "question_id",
        "reply_id",
        "status",
        "mode",
        "context",
        "agent",
        "model",
        "error",
        "created_at",
        "ended_at",
    )


def journals_of(user: User) -> "QuerySet[TurnEvent]":
    return TurnEvent.objects.filter(turn__in=turns_of(user))


def journals(user: User) -> rights.Rows:
    return journals_of(user).values("turn_id", "seq", "event_type", "body", "created_at")


def feedback_of(user: User) -> "QuerySet[Feedback]":
    return Feedback.objects.filter(message__conversation__user=user)


def feedback(user: User) -> rights.Rows:
    return feedback_of(user).values("message_id", "rating", "comment", "created_at", "updated_at")


def transcript_views(user: User) -> rights.Rows:
    """What they read as a member of staff."""
    return TranscriptView.objects.filter(staff=user).values("what", "key", "created_at")


def handled_questions(user: User) -> rights.Rows:
    return HandledQuestion.objects.filter(handled_by=user).values("turn_id", "created_at")


def saved_chats(user: User) -> rights.Rows:
    return SavedChat.objects.filter(user=user).values("id", "conversation_id", "title", "messages", "created_at")
