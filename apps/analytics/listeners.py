"""What the other apps announce, as events. They know nothing of it, and nothing that fails here fails them."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.dispatch import Signal

from apps.accounts import signals as accounts
from apps.accounts.credentials import Principal
from apps.accounts.models import Tier, User, Visitor
from apps.analytics.facts import coded
from apps.analytics.models import Event
from apps.analytics.recording import NOBODY, Who, leave, lost, noticed
from apps.chat import signals as chat
from apps.chat.agents import Outcome
from apps.chat.events import EventType
from apps.chat.models import SavedChat, Turn
from apps.throttling import signals as throttling
from apps.throttling.limits import Allowance
from chatkit.errors import ChatKitError
from chatkit.logging import get_logger

log = get_logger(__name__)

Describe = Callable[..., Event | None]
LOCKED_FOR = 60.0
LARGEST_MEMORY = 10_000


class Lately:
    """What was noted a moment ago, so that whoever is refused a thousand times makes one event and not a thousand."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def is_first(self, *key: str, seconds: float) -> bool:
        now = time.monotonic()
        if self._until.get(key, 0.0) > now:
            return False
        self._until[key] = now + seconds
        self._until.move_to_end(key)
        if len(self._until) > LARGEST_MEMORY:
            self._until.popitem(last=False)
        return True

    def clear(self) -> None:
        self._until.clear()


lately = Lately()


def connect() -> None:
    for signal, describe in (
        (accounts.signup, signed_up),
        (accounts.login, logged_in),
        (accounts.logout, logged_out),
        (accounts.email_verified, verified),
        (accounts.anonymous_to_authenticated, joined),
        (accounts.auth_failed, not_let_in),
        (chat.chat_saved, saved),
        (chat.personalized, personalized),
        (throttling.limit_reached, refused),
    ):
        signal.connect(receiver(describe), weak=False)
    chat.turn_ending.connect(rows_of_turn, weak=False)


def receiver(describe: Describe) -> Callable[..., None]:
    def receive(sender: object, signal: Signal, **announced: Any) -> None:
        try:
            if (event := describe(**announced)) is not None:
                leave(event)
        except Exception as failure:  # the boundary to somebody else's action
            missed(failure)

    return receive


def rows_of_turn(sender: object, signal: Signal, **announced: Any) -> list[Event]:
    """Committed together with the turn's own end: no transaction of its own."""
    try:
        return [asked(**announced)]
    except Exception as failure:  # likewise
        missed(failure)
        return []


def missed(failure: Exception) -> None:
    if not isinstance(failure, ChatKitError):
        log.exception("analytics_listener_failed")
    lost(failure)


def signed_up(user: User, method: str, address: str | None) -> Event:
    return noticed("signup", Who(user.id), address=address, method=method)


def logged_in(user: User, method: str, address: str | None) -> Event:
    return noticed("login", Who(user.id), address=address, method=method)


def logged_out(principal: Principal, everywhere: bool) -> Event:
    return noticed("logout", Who.of(principal), everywhere=everywhere)


def verified(user: User) -> Event:
    return noticed("email_verified", Who(user.id))


def joined(user: User, visitor: Visitor, moved: int) -> Event:
    """Where a visitor's story becomes a person's."""
    return noticed("anonymous_to_authenticated", Who(user.id, visitor.id), messages=moved)


def not_let_in(email: str, reason: str, address: str | None) -> Event | None:
    if reason == "locked" and not lately.is_first("locked", email, address or "", seconds=LOCKED_FOR):
        return None
    return noticed("auth_failed", address=address, reason=reason)


def saved(chat: SavedChat) -> Event:
    return noticed(
        "save_chat",
        Who(chat.user_id),
        chat_id=chat.id,
        conversation_id=chat.conversation_id,
        messages=len(chat.messages),
    )


def personalized(principal: Principal, recommended: int) -> Event:
    return noticed("personalize", Who.of(principal), recommended=recommended)


def asked(turn: Turn, event_type: EventType, outcome: Outcome, principal: Principal) -> Event:
    return noticed(
        "chat_message",
        Who.of(principal),
        turn_id=turn.id,
        conversation_id=turn.conversation_id,
        outcome=event_type.rpartition(".")[2],
        mode=turn.mode,
        tier=principal.tier,
        model=coded(outcome.model),
        sources=len(outcome.sources),
    )


def refused(allowance: Allowance, subject: str) -> Event | None:
    """One a window and process: the further calls of whoever does not wait are in the metrics."""
    if not lately.is_first(allowance.action, subject, seconds=allowance.reset_seconds):
        return None
    who = who_is(subject)
    rate = allowance.rate
    return noticed(
        "rate_limit_triggered",
        who,
        action=allowance.action,
        tier=tier_of(who),
        limit=rate.count,
        window=rate.seconds,
    )


def who_is(subject: str) -> Who:
    kind, _, key = subject.partition(":")
    match kind:
        case "user":
            return Who(user_id=UUID(key))
        case "visitor":
            return Who(visitor_id=UUID(key))
    return NOBODY


def tier_of(who: Who) -> str:
    """Empty where nobody knows who called."""
    if who.user_id is not None:
        return User.objects.filter(id=who.user_id).values_list("tier", flat=True).first() or ""
    return Tier.ANONYMOUS.value if who.visitor_id is not None else ""
