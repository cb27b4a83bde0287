"""Sign-up by e-mail, registration with a password, and the proof that somebody reads the mail of an address.

Nobody learns from an answer, or from how long it took, whether an address has an account.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import login, mail, revocation, sessions, signals, tokens, visitors, waiting
from apps.accounts.credentials import AccountDisabled
from apps.accounts.models import SignIn, Tier, User, VerificationToken, Visitor
from apps.accounts.origin import Origin
from chatkit.errors import ChatKitError

LIFE = timedelta(minutes=10)
# As many mails as one address gets while they are good; more would be somebody using us to annoy its owner.
MOST_OPEN = 5
Purpose = VerificationToken.Purpose


class VerificationInvalid(ChatKitError):
    code = "invalid_token"
    status = 400
    sentence = "This confirmation link or code is not valid. Ask for a new one."


class VerificationExpired(ChatKitError):
    code = "token_expired"
    status = 400
    sentence = "This confirmation link or code has expired. Ask for a new one."


def sign_up(email: str, *, visitor: Visitor | None = None, waiting_visitor: Visitor | None = None) -> str:
    """Sends the mail that proves the address, whether it has an account or not; returns the number of who waits."""
    number = waiting.number() if waiting_visitor else ""
    proof = VerificationToken(email=email, visitor=visitor, waiting=waiting_visitor, number=number)
    proof.consented_at = timezone.now()
    send_proof(proof)
    return number


def send_proof(token: VerificationToken) -> None:
    if VerificationToken.objects.open().filter(email=token.email).count() >= MOST_OPEN:
        return
    raw = tokens.mint(tokens.VERIFICATION)
    token.digest, token.expires_at = tokens.digest(raw), timezone.now() + LIFE
    token.save()
    minutes = int(LIFE.total_seconds() // 60)
    mail.send_verification(token.email, raw=raw, minutes=minutes, purpose=token.purpose)


def resend(email: str) -> None:
    """The mail once more, where one was asked for within a day or an account waits for it."""
    last = VerificationToken.objects.filter(email=email).order_by("-created_at").first()
    if last is not None and last.used_at is None:
        again = VerificationToken(
            email=email,
            purpose=last.purpose,
            visitor_id=last.visitor_id,
            waiting_id=last.waiting_id,
            number=last.number,
            consented_at=last.consented_at,
        )
        send_proof(again)
    elif User.objects.filter(email=email, email_verified_at=None, is_active=True).exists():
        send_proof(VerificationToken(email=email, purpose=Purpose.REGISTER))


def register(email: str, *, encoded_password: str, name: str, origin: Origin) -> UUID:
    """The id of the account; where the address has one already, an id that belongs to nobody."""
    user = User(email=email, name=name, password=encoded_password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        mail.send_known_address(email)
        return uuid4()
    send_proof(VerificationToken(email=email, purpose=Purpose.REGISTER))
    signals.announce(signals.signup, user=user, method=SignIn.Method.PASSWORD, address=origin.address)
    return user.id


@dataclass(frozen=True, slots=True)
class Verified:
    user: User
    is_new: bool


def verify(raw: str, *, origin: Origin) -> tuple[Verified, sessions.Issued]:
    """Uses the proof up and signs its bearer in."""
    with transaction.atomic():
        verified = confirm(raw, origin=origin)
        issued = login.log_in_by_mail(verified.user, origin)
    return verified, issued


def confirm(raw: str, *, origin: Origin, number: str = "") -> Verified:
    """Uses the proof up, once, also when two ask at the same time. The number signs in the chat that shows it."""
    with transaction.atomic():
        token = take(raw)
        verified = account_of(token)
        if not verified.user.is_active:
            raise AccountDisabled
        promote(verified.user, token)
        waiting.approve(token, verified.user, number)
        if token.visitor is not None and token.visitor.claimed_by_id is None and token.visitor.revoked_at is None:
            visitors.claim(token.visitor, verified.user)
    if verified.is_new:
        signals.announce(signals.signup, user=verified.user, method=SignIn.Method.EMAIL, address=origin.address)
    signals.announce(signals.email_verified, user=verified.user)
    return verified


def take(raw: str) -> VerificationToken:
    found = VerificationToken.objects.filter(digest=tokens.digest(raw)) if tokens.is_verification(raw) else None
    token = found.select_related("visitor").first() if found is not None else None
    if token is None or token.used_at is not None:
        raise VerificationInvalid
    now = timezone.now()
    if token.expires_at <= now:
        raise VerificationExpired
    if not VerificationToken.objects.filter(id=token.id, used_at=None).update(used_at=now):
        raise VerificationInvalid
    # The others that were mailed have served their purpose too.
    VerificationToken.objects.filter(email=token.email, used_at=None).update(used_at=now)
    return token


def account_of(token: VerificationToken) -> Verified:
    unusable = make_password(None)
    user, is_new = User.objects.get_or_create(email=token.email, defaults={"password": unusable})
    return Verified(user, is_new)


def promote(user: User, token: VerificationToken) -> None:
    """The address is proved, and with a password of its owner's choosing that makes a full account."""
    is_first = user.email_verified_at is None
    if is_first and token.purpose == Purpose.SIGNUP and user.has_usable_password():
        # Whoever chose this password never proved to own the address; its owner just did, by another way.
        user.set_unusable_password()
        revocation.end_sessions(user.sessions.all(), user, everything=True)
    if user.tier == Tier.LIGHTWEIGHT and user.has_usable_password():
        user.tier = Tier.FULL
    user.email_verified_at = user.email_verified_at or timezone.now()
    user.consented_at = user.consented_at or token.consented_at
    user.save(update_fields=["password", "tier", "email_verified_at", "consented_at"])
