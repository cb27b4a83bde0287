"""Which questions are accepted, and the rows they become. Refusals come first, by name; the call is counted last."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.credentials import Principal, TokenRevoked
from apps.accounts.models import Tier
from apps.chat import takeover
from apps.chat.models import Conversation, Message, Turn, owner_of
from apps.throttling import limits
from apps.throttling.limits import Allowance
from chatkit.entries import Change, Entry, Insert
from chatkit.errors import Conflict, InvalidRequest, NotFound
from chatkit.ids import new_id
from chatkit.statements import exists

LONGEST_SELECTION = 5_000
LONGEST_TITLE = 80
# The conversation of a first message is derived from the message, so that sending it again finds it.
FIRST_MESSAGES = uuid.UUID("6f9d2a60-0a52-4f2e-9d7d-0f3f6c1f5b11")
ONE_TICK = timedelta(microseconds=1)
LIMIT_OF_TIER = {
    Tier.ANONYMOUS: "chat_anonymous",
    Tier.LIGHTWEIGHT: "chat_lightweight",
    Tier.FULL: "chat_full",
}

# What each question has to pass, asked by one statement each; only where one strikes is more looked up.
VISITING = "SELECT 1 FROM accounts_visitor WHERE id = %s AND claimed_at IS NULL AND revoked_at IS NULL"
LOCKED = {"postgresql": " FOR NO KEY UPDATE"}
OWN = {
    "user_id": "SELECT 1 FROM chat_conversation WHERE id = %s AND user_id = %s",
    "visitor_id": "SELECT 1 FROM chat_conversation WHERE id = %s AND visitor_id = %s",
}
SAID = "SELECT 1 FROM chat_message WHERE conversation_id = %s AND client_message_id = %s"
RUNNING = "SELECT 1 FROM chat_turn WHERE conversation_id = %s AND status = 'running'"


class MessageEmpty(InvalidRequest):
    code = "message_empty"
    sentence = "Write a question first."


class MessageTooLong(InvalidRequest):
    code = "message_too_long"


class SelectedTextTooLong(InvalidRequest):
    code = "selected_text_too_long"
    sentence = f"Select at most {LONGEST_SELECTION} characters."


class TurnInProgress(Conflict):
    code = "turn_in_progress"
    sentence = "The previous question is still being answered."


class Repeated(Exception):
    def __init__(self, turn: "Accepted") -> None:
        self.turn = turn
        super().__init__()


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What somebody wants answered, as every transport hands it in."""

    text: str
    conversation_id: UUID | None = None
    client_message_id: UUID | None = None
    mode: str = "browse"
    selected_text: str = ""
    page_url: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was recorded, and so may be acknowledged."""

    turn_id: UUID
    conversation_id: UUID
    message_id: UUID
    reply_id: UUID
    client_message_id: UUID | None
    allowance: Allowance | None = None

    def ids(self) -> dict[str, str]:
        """As every transport names them to clients; the message is the reply."""
        return {
            "conversation_id": str(self.conversation_id),
            "message_id": str(self.reply_id),
            "turn_id": str(self.turn_id),
        }


def checked(request: TurnRequest) -> TurnRequest:
    text, selected = request.text.strip(), request.selected_text.strip()
    longest = settings.CHATKIT.max_message_chars
    if not text:
        raise MessageEmpty
    if len(text) > longest:
        raise MessageTooLong(f"A message may have {longest} characters; this one has {len(text)}.")
    if len(selected) > LONGEST_SELECTION:
        raise SelectedTextTooLong
    if request.mode == "chat" and not selected:
        raise InvalidRequest.of({"context.selected_text": ["Select the text that the question is about."]})
    return TurnRequest(
        text, request.conversation_id, request.client_message_id, request.mode, selected, request.page_url
    )


def conversation_of(principal: Principal, request: TurnRequest) -> tuple[UUID, bool]:
    """The conversation meant, and whether it is certain to be new."""
    if request.conversation_id is not None:
        return request.conversation_id, False
    if request.client_message_id is None:
        return new_id(), True
    return uuid.uuid5(FIRST_MESSAGES, f"{principal.subject} {request.client_message_id}"), True


def rows_for(
    principal: Principal, request: TurnRequest, conversation_id: UUID, *, is_new: bool
) -> tuple[Turn, list[Entry]]:
    now = timezone.now()
    question = Message(
        id=new_id(),
        conversation_id=conversation_id,
        role=Message.Role.USER.value,
        content=request.text,
        client_message_id=request.client_message_id,
        created_at=now,
    )
    context = {"selected_text": request.selected_text, "page_url": request.page_url}
    turn, reply = answer_rows(question, mode=request.mode, context=context)
    if is_new:
        title = request.text[:LONGEST_TITLE]
        times = {"created_at": now, "updated_at": now}
        return turn, [
            Insert(Conversation, {"id": conversation_id, "title": title, **owner_of(principal), **times}),
            question,
            reply,
            turn,
        ]
    return turn, [Change(Conversation, {"id": conversation_id}, {"updated_at": now}), question, reply, turn]


def answer_rows(question: Message, *, mode: str, context: dict[str, str]) -> tuple[Turn, Insert]:
    """A turn for a question, and the reply it will write."""
    now = max(timezone.now(), question.created_at + ONE_TICK)
    reply_id = new_id()
    reply = {
        "id": reply_id,
        "conversation_id": question.conversation_id,
        "role": Message.Role.ASSISTANT.value,
        "status": Message.Status.WRITING.value,
        "created_at": now,
    }
    turn = Turn(
        id=new_id(),
        conversation_id=question.conversation_id,
        question=question,
        reply_id=reply_id,
        mode=mode,
        context={name: value for name, value in context.items() if value},
        agent=settings.CHATKIT.agent,
        heartbeat_at=now,
        created_at=now,
    )
    return turn, Insert(Message, reply)


def admit(principal: Principal, request: TurnRequest, conversation_id: UUID, *, is_new: bool) -> Allowance | None:
    """Runs inside the transaction of the write: refuses by name, and counts the call last."""
    refuse(principal, request, conversation_id, is_new=is_new)
    return count(principal)


def refuse(principal: Principal, request: TurnRequest, conversation_id: UUID, *, is_new: bool) -> None:
    if principal.visitor_id is not None and not is_still_visiting(principal.visitor_id):
        raise TokenRevoked
    if is_new and request.client_message_id is None:
        return
    if not is_new and not is_own(principal, conversation_id):
        raise NotFound("There is no such conversation.")
    if (earlier := asked_before(conversation_id, request.client_message_id)) is not None:
        raise Repeated(earlier)
    if exists(RUNNING, conversation_id) and takeover.is_busy(conversation_id):
        raise TurnInProgress


def refuse_again(principal: Principal, request: TurnRequest, conversation_id: UUID) -> None:
    """After a write that met somebody else's: the same refusals, by name, and nothing is counted."""
    with transaction.atomic():
        refuse(principal, request, conversation_id, is_new=request.conversation_id is None)


def is_still_visiting(visitor_id: UUID) -> bool:
    """Locked until the write is committed: who signs in at the same moment takes this conversation along too."""
    return exists(VISITING + LOCKED.get(connection.vendor, ""), visitor_id)


def is_own(principal: Principal, conversation_id: UUID) -> bool:
    [(column, owner)] = owner_of(principal).items()
    return owner is not None and exists(OWN[column], conversation_id, owner)


def asked_before(conversation_id: UUID, client_message_id: UUID | None) -> Accepted | None:
    if client_message_id is None or not exists(SAID, conversation_id, client_message_id):
        return None
    same = Turn.objects.filter(question__conversation_id=conversation_id, question__client_message_id=client_message_id)
    turn = same.order_by("-created_at").first()
    return None if turn is None else accepted(turn, client_message_id)


def count(principal: Principal) -> Allowance | None:
    """One call of the person's or visitor's tier; premium has no limit."""
    name = LIMIT_OF_TIER.get(principal.tier)
    return None if name is None else limits.require(principal.subject, name)


def accepted(turn: Turn, client_message_id: UUID | None, allowance: Allowance | None = None) -> Accepted:
    return Accepted(turn.id, turn.conversation_id, turn.question_id, turn.reply_id, client_message_id, allowance)


def limits_for(principal: Principal) -> dict[str, Any]:
    """What is left of one's limits, without counting."""
    name = LIMIT_OF_TIER.get(principal.tier)
    if name is None or (count := limits.rate_of(name).count) is None:
        return {}
    left = limits.status(principal.subject, name)
    window = {"limit": count, "window": left.rate.seconds}
    return {left.action: {**window, "remaining": left.remaining, "reset_seconds": left.reset_seconds}}
