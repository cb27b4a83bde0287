"""Visitors: the same one again by their own token, and what becomes of them when they sign in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import revocation, signals, tokens
from apps.accounts.models import LONGEST_USER_AGENT, Token, User, Visitor
from apps.accounts.sessions import Issued
from chatkit.errors import Conflict, Forbidden, NotFound

Mover = Callable[[Visitor, User], int]
_movers: list[Mover] = []


class NotYours(Forbidden):
    sentence = "Only the visitor's own token proves that these conversations are yours."


def register_mover(mover: Mover) -> None:
    """`mover(visitor, user)` hands over what the visitor owned and returns how many messages moved.

    It runs once in a visitor's life, inside the transaction that claims the visitor: if it fails, nothing happened.
    """
    _movers.append(mover)


@dataclass(frozen=True, slots=True)
class Entered:
    visitor: Visitor
    issued: Issued


def enter(*, anon_id: str | None, presented: str | None, user_agent: str) -> Entered:
    """The same visitor for whoever presents their token, else somebody new: an `anon_id` alone proves nothing."""
    expires_at = timezone.now() + timedelta(seconds=settings.CHATKIT.session_ttl)
    visitor = returning(anon_id, presented)
    if visitor is None:
        visitor = Visitor.objects.create(expires_at=expires_at, user_agent=user_agent[:LONGEST_USER_AGENT])
    else:
        Visitor.objects.filter(id=visitor.id).update(expires_at=expires_at, last_activity=timezone.now())
    raw = tokens.mint(tokens.VISITOR)
    Token.objects.create(digest=tokens.digest(raw), visitor=visitor, expires_at=expires_at)
    return Entered(visitor, Issued(raw, expires_at))


def returning(anon_id: str | None, presented: str | None) -> Visitor | None:
    visitor = owner_of(presented)
    if visitor is None or (anon_id is not None and uuid_of(anon_id) != visitor.id):
        return None
    return visitor


def owner_of(raw: str | None) -> Visitor | None:
    """Whose visitor token this is; one that ran out still says who came back."""
    if raw is None:
        return None
    free: QuerySet[Visitor] = Visitor.objects.filter(revoked_at=None, claimed_at=None)
    return free.filter(tokens__digest=tokens.digest(raw)).first()


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def migrate(user: User, *, anon_id: str, visitor_token: str | None) -> int:
    """Moves the conversations of a visitor who proves to be one, and says how many messages came along."""
    visitor_id = uuid_of(anon_id)
    visitor = None if visitor_id is None else Visitor.objects.filter(id=visitor_id).first()
    if visitor is None:
        raise NotFound("There is no such visitor.")
    digest = tokens.digest(visitor_token or "")
    if visitor.revoked_at is not None or not visitor.tokens.filter(digest=digest).exists():
        raise NotYours
    return claim(visitor, user)


def claim(visitor: Visitor, user: User) -> int:
    """Exactly once: of all who ask at the same time, one finds the visitor unclaimed."""
    with transaction.atomic():
        unclaimed = Visitor.objects.filter(id=visitor.id, claimed_by=None, revoked_at=None)
        if not unclaimed.update(claimed_by=user, claimed_at=timezone.now()):
            visitor.refresh_from_db()
            if visitor.claimed_by_id != user.id:
                raise Conflict("These conversations have been moved to another account.")
            return 0
        moved = sum(mover(visitor, user) for mover in _movers)
        revocation.spread(revocation.Revocation("token_revoked", visitor_id=str(visitor.id)))
        signals.announce(signals.anonymous_to_authenticated, user=user, visitor=visitor, moved=moved)
    return moved
