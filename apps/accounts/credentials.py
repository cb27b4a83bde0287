"""Who is calling: a raw credential becomes a `Principal`, by one rule for HTTP, SSE and WebSocket.

`resolve` and `resolve_async` remember for a second whom a credential stands for. Whatever ends or changes one calls
`forget`, in every process; the second is what is left should that message get lost.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.utils import timezone

from apps.accounts import activity, jwt, tokens
from apps.accounts.models import Session, Tier, Token, User, Visitor
from chatkit.errors import PermissionDenied, Unauthorized

LONGEST_CREDENTIAL = 4096
REMEMBERED_SECONDS = 1.0
LARGEST_MEMORY = 20_000
FRESH = timedelta(hours=1)

InvalidToken = jwt.Unreadable
TokenExpired = jwt.Expired


class NoToken(Unauthorized):
    code = "no_token"
    sentence = "You need to be signed in to do this."


class TokenRevoked(Unauthorized):
    code = "token_revoked"
    sentence = "This sign-in was ended. Please sign in again."


class SessionExpired(Unauthorized):
    code = "session_expired"
    sentence = "Your session has expired. Please sign in again."


class AccountDisabled(Unauthorized):
    code = "account_disabled"
    sentence = "This account is disabled."


class Kind(StrEnum):
    SESSION = "session"
    VISITOR = "visitor"
    JWT = "jwt"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who proved who they are: a person by session or JWT, or a visitor of whom only the token is known."""

    kind: Kind
    tier: Tier
    expires_at: datetime
    user_id: UUID | None = None
    visitor_id: UUID | None = None
    session_id: UUID | None = None
    email: str | None = None
    is_verified: bool = False
    is_staff: bool = False
    tenant_id: str = "default"
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    signed_in_at: datetime | None = None

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def is_person(self) -> bool:
        return self.user_id is not None

    @property
    def person_id(self) -> UUID:
        if self.user_id is None:
            raise PermissionDenied("Sign in to do this.")
        return self.user_id

    @property
    def is_fresh(self) -> bool:
        return self.signed_in_at is not None and timezone.now() - self.signed_in_at <= FRESH

    @property
    def subject(self) -> str:
        """Whom limits count and rows belong to: the person over all devices, or the visitor."""
        return f"user:{self.user_id}" if self.user_id else f"visitor:{self.visitor_id}"

    def as_json(self) -> dict[str, Any]:
        named = {"user_id": self.user_id, "anon_id": self.visitor_id, "email": self.email}
        credential = {"kind": self.kind, "expires_at": self.expires_at, "session_id": self.session_id}
        return {
            **present(named),
            "tier": self.tier,
            "roles": self.roles,
            "permissions": self.permissions,
            "credential": present(credential),
        }


def present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


class Memory:
    """Principals by the digest of their credential, for a second or until it expires, whichever is sooner."""

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._lock = threading.Lock()
        self.epoch = 0

    def get(self, key: bytes) -> Principal | None:
        found = self._entries.get(key)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def keep(self, key: bytes, principal: Principal, *, epoch: int) -> None:
        left = (principal.expires_at - timezone.now()).total_seconds()
        with self._lock:
            # What was looked up before something was forgotten may be what had to be forgotten.
            if epoch != self.epoch:
                return
            self._entries[key] = (time.monotonic() + min(REMEMBERED_SECONDS, left), principal)
            self._entries.move_to_end(key)
            while len(self._entries) > LARGEST_MEMORY:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """All of it: a second's worth is cheaper to ask again than to search."""
        with self._lock:
            self.epoch += 1
            self._entries.clear()


_memory = Memory()
forget = _memory.clear


def key_of(raw: str) -> bytes:
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).digest()


def resolve(raw: str) -> Principal:
    """Whom this credential stands for; refuses it by name otherwise."""
    key = key_of(raw)
    return _memory.get(key) or remember(key, raw)


async def resolve_async(raw: str) -> Principal:
    """`resolve` for event loops; a remembered credential costs no thread."""
    key = key_of(raw)
    return _memory.get(key) or await sync_to_async(remember)(key, raw)


def remember(key: bytes, raw: str) -> Principal:
    epoch = _memory.epoch
    principal = look_up(raw)
    _memory.keep(key, principal, epoch=epoch)
    return principal


def look_up(raw: str) -> Principal:
    """`resolve` without the memory, for what must not be a second out of date."""
    if len(raw) > LONGEST_CREDENTIAL:
        raise InvalidToken
    if jwt.looks_like(raw):
        return by_access_token(jwt.read(raw, jwt.AccessToken))
    if tokens.is_credential(raw):
        return by_opaque_token(raw)
    raise InvalidToken


def bearer(header: str | None) -> str:
    """The credential of an `Authorization` header."""
    if header is None:
        raise NoToken
    scheme, _, raw = header.strip().partition(" ")
    raw = raw.strip()
    if scheme.lower() != "bearer" or not raw:
        raise InvalidToken
    return raw


def by_opaque_token(raw: str) -> Principal:
    found = (
        Token.objects.with_grants().select_related("session__user", "visitor").filter(digest=tokens.digest(raw)).first()
    )
    if found is None:
        raise InvalidToken
    if found.visitor is not None:
        return of_visitor(found.visitor, found.expires_at)
    session = found.session
    if session is None:
        raise InvalidToken
    return of_session(session, Kind.SESSION, found.expires_at, has_grants=found.has_grants)  # type: ignore[attr-defined]  # annotated


def by_access_token(claims: jwt.Claims) -> Principal:
    session = (
        Session.objects.with_grants()
        .select_related("user")
        .filter(id=claims.session_id, user_id=claims.user_id)
        .first()
    )
    if session is None:
        raise TokenRevoked
    return of_session(session, Kind.JWT, claims.expires_at, has_grants=session.has_grants)  # type: ignore[attr-defined]  # annotated


def of_visitor(visitor: Visitor, expires_at: datetime) -> Principal:
    if visitor.revoked_at is not None or visitor.claimed_at is not None:
        raise TokenRevoked
    if expires_at <= timezone.now():
        raise TokenExpired
    activity.note(visitor)
    return Principal(Kind.VISITOR, Tier.ANONYMOUS, expires_at, visitor_id=visitor.id, signed_in_at=visitor.created_at)


def of_session(session: Session, kind: Kind, expires_at: datetime, *, has_grants: bool) -> Principal:
    user = session.user
    if not user.is_active:
        raise AccountDisabled
    if session.revoked_at is not None:
        raise TokenRevoked
    if expires_at <= timezone.now():
        raise SessionExpired if kind is Kind.SESSION else TokenExpired
    activity.note(session)
    return Principal(
        kind,
        Tier(user.tier),
        expires_at,
        user_id=user.id,
        session_id=session.id,
        email=user.email,
        is_verified=user.email_verified_at is not None,
        is_staff=user.is_staff,
        tenant_id=user.tenant_id,
        roles=roles_of(user, has_grants=has_grants),
        permissions=permissions_of(user, has_grants=has_grants),
        signed_in_at=session.created_at,
    )


def roles_of(user: User, *, has_grants: bool = True) -> tuple[str, ...]:
    """`user`, `staff` and `admin` by what the account is, then the names of its groups."""
    ranks = (("user", True), ("staff", user.is_staff), ("admin", user.is_superuser))
    groups = user.groups.order_by("name").values_list("name", flat=True) if has_grants else ()
    return (*(name for name, holds in ranks if holds), *groups)


def permissions_of(user: User, *, has_grants: bool = True) -> tuple[str, ...]:
    """Django's, as the admin grants them: to the person, to a group, or all of them to an administrator."""
    return tuple(sorted(user.get_all_permissions())) if has_grants or user.is_superuser else ()
