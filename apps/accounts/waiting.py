"""A chat that waits until the link in the mail is used, and is then signed in without a code being carried over.

Anybody can ask for a mail to any address, and its owner may press the button in good faith. So the chat shows a
number, and only who types it where the link leads signs that chat in: a stranger's chat is not before their eyes.
"""

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts import login, sessions, tokens
from apps.accounts.credentials import AccountDisabled, InvalidToken
from apps.accounts.models import User, VerificationToken, Visitor
from apps.accounts.origin import Origin
from chatkit.errors import ChatKitError

COLLECTED_WITHIN = timedelta(minutes=10)


class WrongNumber(ChatKitError):
    code = "invalid_token"
    status = 400
    sentence = "The chat shows another number. Look again, or leave the field empty to confirm the address alone."


def number() -> str:
    return str(10 + secrets.randbelow(90))


def approve(token: VerificationToken, user: User, typed: str) -> None:
    """Runs inside the transaction that uses the proof up, which a wrong number undoes."""
    if not typed:
        return
    if not token.number or not secrets.compare_digest(token.number.encode(), typed.encode("utf-8", "replace")):
        raise WrongNumber
    token.approved_for = user
    token.save(update_fields=["approved_for"])


def expects_number(raw: str) -> bool:
    return VerificationToken.objects.open().filter(digest=tokens.digest(raw)).exclude(number="").exists()


def is_pending(visitor: Visitor) -> bool:
    """Whether a mail that this chat asked for can still be answered."""
    return VerificationToken.objects.open().filter(waiting=visitor).exists()


def collect(visitor: Visitor, origin: Origin) -> tuple[User, sessions.Issued] | None:
    """The session, exactly once, for the visitor whose chat was approved; nothing as long as none was."""
    with transaction.atomic():
        since = timezone.now() - COLLECTED_WITHIN
        approved = VerificationToken.objects.filter(waiting=visitor, approved_for__isnull=False, used_at__gt=since)
        token = approved.filter(collected_at=None).select_related("approved_for").first()
        if token is None or token.approved_for is None:
            return None
        if not approved.filter(id=token.id, collected_at=None).update(collected_at=timezone.now()):
            return None
        if not token.approved_for.is_active:
            raise AccountDisabled
        return token.approved_for, login.log_in_by_mail(token.approved_for, origin)


def visitor_of(raw: str) -> Visitor:
    """Also one whose conversations were taken along: the visitor's token is good for nothing else by then."""
    alive = Visitor.objects.filter(tokens__digest=tokens.digest(raw), tokens__expires_at__gt=timezone.now())
    visitor = alive.filter(revoked_at=None).first() if raw.startswith(tokens.VISITOR) else None
    if visitor is None:
        raise InvalidToken
    return visitor
