"""Sign-up by e-mail, registration with a password, and the proof that somebody reads the mail of an address.

Nobody learns from an answer, or from how long it took, whether an address has an account.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import mail, revocation, sessions, signals, tokens, visitors
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


def sign_up(email: str, *, visitor: Visitor | None = None, asker: Visitor | None = None) -> None:
    """Sends the mail that proves the address, whether it has an account or not."""
    send_proof(VerificationToken(email=email, visitor=visitor, asker=asker, consented_at=timezone.now()))


def send_proof(token: VerificationToken) -> None:
    if VerificationToken.objects.open().filter(email=token.email).count() >= MOST_OPEN:
        return
    raw = tokens.mint(tokens.VERIFICATION)
    token.digest, token.expires_at = tokens.digest(raw), timezone.now() + LIFE
    token.save()
    minutes = int(LIFE.total_seconds() // 60)
    mail.send_verification(token.email, raw=raw, minutes=minutes, purpose=token.purpose)


def resend(email: str, *, asker: Visitor | None = None) -> None:
    """The mail once more, where one was asked for within a day or an account waits for it. The asker is whoever asks
    this time: somebody else may have asked before."""
    last = VerificationToken.objects.filter(email=email).order_by("-created_at").first()
    if last is not None and last.used_at is None:
        again = VerificationToken(
            email=email,
            purpose=last.purpose,
            visitor_id=last.visitor_id,
            asker=asker,
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
        issued = enter(verified.user, origin)
    signals.announce(signals.login, user=verified.user, method=SignIn.Method.EMAIL, address=origin.address)
    return verified, issued


def enter(user: User, origin: Origin) -> sessions.Issued:
    issued = sessions.open_session(user, user_agent=origin.user_agent)
    SignIn.objects.create(
        user=user,
        email=user.email,
        method=SignIn.Method.EMAIL,
        outcome=SignIn.Outcome.SUCCEEDED,
        address=origin.address,
        user_agent=origin.user_agent,
    )
    return issued


def collect(visitor_id: UUID, *, origin: Origin) -> tuple[User, sessions.Issued] | None:
    """The session of a visitor whose mail was answered by its owner: once, and soon after."""
    now = timezone.now()
    token = VerificationToken.objects.released_to(visitor_id, since=now - LIFE).first()
    if token is None:
        return None
    user = User.objects.filter(email=token.email, is_active=True).first()
    with transaction.atomic():
        uncollected = VerificationToken.objects.filter(id=token.id, collected_at=None)
        if user is None or not uncollected.update(collected_at=now):
            return None
        issued = enter(user, origin)
    signals.announce(signals.login, user=user, method=SignIn.Method.EMAIL, address=origin.address)
    return user, issued


def confirm(raw: str, *, origin: Origin, lets_asker_in: bool = False) -> Verified:
    """Uses the proof up, once, also when two ask at the same time."""
    with transaction.atomic():
        token = take(raw)
        if lets_asker_in and token.asker_id is not None:
            VerificationToken.objects.filter(id=token.id).update(released_at=timezone.now())
        verified = account_of(token)
        if not verified.user.is_active:
            raise AccountDisabled
        promote(verified.user, token)
        if token.visitor is not None and token.visitor.claimed_by_id is None and token.visitor.revoked_at is None:
            visitors.claim(token.visitor, verified.user)
    if verified.is_new:
        signals.announce(signals.signup, user=verified.user, method=SignIn.Method.EMAIL, address=origin.address)
    signals.announce(signals.email_verified, user=verified.user)
    return verified


def asker_of(raw: str) -> VerificationToken | None:
    """The open request of a chat that waits to be let in, for the page that asks whether it may be."""
    if not tokens.is_verification(raw):
        return None
    waiting = VerificationToken.objects.open().filter(digest=tokens.digest(raw), asker__isnull=False)
    return waiting.select_related("asker").first()


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
