"""What integration test mode promises to be there: one person, one session, one verification token."""

from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from apps.accounts import credentials, tokens
from apps.accounts.models import Session, Tier, Token, User, VerificationToken
from apps.accounts.registration import LIFE

EMAIL = "test@integration.local"
SESSION_ID = uuid5(NAMESPACE_URL, "chatkit:integration-test-session")
SESSION_LIFE = timedelta(hours=24)


def seed() -> list[str]:
    """As on the first day, any number of times; says what is there, for a person to read."""
    with transaction.atomic():
        user = seed_user()
        session = seed_session(user)
        verification = seed_verification()
    credentials.forget()
    return [
        f"user                {user.email} (tier {user.tier}, e-mail verified)",
        f"session token       {tokens.FIXTURE_SESSION} (until {session.expires_at:%Y-%m-%d %H:%M} UTC)",
        f"verification token  {tokens.FIXTURE_VERIFICATION} (unused, until {verification.expires_at:%H:%M} UTC)",
    ]


def seed_user() -> User:
    known = {"tier": Tier.LIGHTWEIGHT, "is_active": True, "email_verified_at": timezone.now()}
    at_first = {**known, "password": make_password(None)}
    user, _ = User.objects.update_or_create(email=EMAIL, defaults=known, create_defaults=at_first)
    return user


def seed_session(user: User) -> Session:
    now = timezone.now()
    alive = {
        "user": user,
        "created_at": now,
        "last_activity": now,
        "expires_at": now + SESSION_LIFE,
        "revoked_at": None,
        "user_agent": "Integration test fixture",
    }
    session, _ = Session.objects.update_or_create(id=SESSION_ID, defaults=alive)
    known = {"session": session, "expires_at": session.expires_at}
    Token.objects.update_or_create(digest=tokens.digest(tokens.FIXTURE_SESSION), defaults=known)
    return session


def seed_verification() -> VerificationToken:
    now = timezone.now()
    unused = {"email": EMAIL, "created_at": now, "expires_at": now + LIFE, "used_at": None, "consented_at": now}
    digest = tokens.digest(tokens.FIXTURE_VERIFICATION)
    token, _ = VerificationToken.objects.update_or_create(digest=digest, defaults=unused)
    return token
