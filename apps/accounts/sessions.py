"""Sessions: opened, refreshed with an overlap, ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Least
from django.utils import timezone

from apps.accounts import credentials, jwt, revocation, signals, tokens
from apps.accounts.credentials import Principal
from apps.accounts.models import LONGEST_USER_AGENT, Session, Token, User
from chatkit.errors import PermissionDenied

OVERLAP = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as its owner sees it, this once."""

    raw: str
    expires_at: datetime


def open_session(user: User, *, user_agent: str) -> Issued:
    expires_at = timezone.now() + timedelta(seconds=settings.CHATKIT.session_ttl)
    session = Session.objects.create(user=user, expires_at=expires_at, user_agent=user_agent[:LONGEST_USER_AGENT])
    return issue(session, expires_at)


def issue(session: Session, expires_at: datetime) -> Issued:
    raw = tokens.mint(tokens.SESSION)
    Token.objects.create(digest=tokens.digest(raw), session=session, expires_at=expires_at)
    return Issued(raw, expires_at)


def refresh_token(principal: Principal, raw: str) -> Issued:
    """A new token for the same session. The old one serves the requests that are under way, and then dies."""
    if principal.kind is not credentials.Kind.SESSION or principal.session_id is None:
        raise PermissionDenied("Only a session token can be refreshed here.")
    now = timezone.now()
    expires_at = now + timedelta(seconds=settings.CHATKIT.session_ttl)
    with transaction.atomic():
        live = Session.objects.filter(id=principal.session_id, revoked_at=None)
        if not live.update(expires_at=expires_at, last_activity=now):
            raise credentials.TokenRevoked
        old = Token.objects.filter(digest=tokens.digest(raw))
        old.update(expires_at=Least("expires_at", now + OVERLAP))
        issued = issue(live.get(), expires_at)
    credentials.forget()
    return issued


def open_family(user: User, *, user_agent: str) -> jwt.Pair:
    """A log-in by password: one session that its access and refresh tokens belong to."""
    jti = uuid4().hex
    session = Session.objects.create(
        user=user,
        kind=Session.Kind.API,
        refresh_jti=jti,
        expires_at=timezone.now() + timedelta(seconds=settings.CHATKIT.refresh_token_ttl),
        user_agent=user_agent[:LONGEST_USER_AGENT],
    )
    return jwt.Pair(session, refresh_jti=jti)


def refresh_pair(raw: str) -> jwt.Pair:
    """One winner: the update names the token that it replaces. Whoever comes second holds a copy, so all end."""
    if len(raw) > credentials.LONGEST_CREDENTIAL:
        raise credentials.InvalidToken
    claims = jwt.read(raw, jwt.RefreshToken)
    session = Session.objects.select_related("user").filter(id=claims.session_id, user_id=claims.user_id).first()
    if session is None or session.revoked_at is not None:
        raise credentials.TokenRevoked
    if not session.user.is_active:
        raise credentials.AccountDisabled
    jti, now = uuid4().hex, timezone.now()
    expires_at = now + timedelta(seconds=settings.CHATKIT.refresh_token_ttl)
    unused = Session.objects.filter(id=session.id, refresh_jti=claims.jti, revoked_at=None)
    if not unused.update(refresh_jti=jti, expires_at=expires_at, last_activity=now):
        revocation.end_sessions(Session.objects.filter(id=session.id), session.user)
        signals.announce(signals.auth_failed, email=session.user.email, reason="refresh_token_reused", address=None)
        raise credentials.TokenRevoked
    return jwt.Pair(session, refresh_jti=jti)


def log_out(principal: Principal, *, everywhere: bool) -> None:
    if principal.visitor_id is not None:
        revocation.end_visitor(principal.visitor_id)
    elif principal.session_id is not None:
        own: QuerySet[Session] = Session.objects.filter(user_id=principal.person_id)
        chosen = own if everywhere else own.filter(id=principal.session_id)
        revocation.end_sessions(chosen, str(principal.person_id), everything=everywhere)
    signals.announce(signals.logout, principal=principal, everywhere=everywhere)
