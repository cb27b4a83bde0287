"""Log-in with a password, and how often one may guess.

An attempt is counted before the password is looked at and given back when it was right, so that parallel guesses
never get more tries than the limit has; a locked answer is the same for a right and a wrong password.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import hashing, jwt, sessions, signals
from apps.accounts.emails import fold_email, is_email
from apps.accounts.models import SignIn, User
from apps.accounts.origin import Origin, origin_of
from apps.throttling.limits import Allowance, RateLimited, give_back, require
from chatkit.errors import Unauthorized
from chatkit.network import counted_address

Outcome = SignIn.Outcome


class WrongPassword(Unauthorized):
    sentence = "The e-mail address or the password is not right."


@dataclass(frozen=True, slots=True)
class Attempt:
    """One counted guess, and whom it is about: nobody, where the address has no account."""

    email: str
    origin: Origin
    user: User | None
    allowance: Allowance

    @property
    def encoded(self) -> str | None:
        return self.user.password if self.user is not None else None


def subjects(email: str, address: str | None) -> tuple[tuple[str, str], ...]:
    return (
        (f"{email}|{counted_address(address or '')}", "login_failures"),
        (email, "login_failures_account"),
    )


def begin(email: str, origin: Origin) -> Attempt:
    """Counts the guess; refuses where too many were wrong."""
    (here, per_address), (everywhere, per_account) = subjects(email, origin.address)
    try:
        # Together, so that whom the second limit refuses is not counted by the first.
        with transaction.atomic():
            allowance = require(here, per_address)
            require(everywhere, per_account)
    except RateLimited:
        # Announced but not recorded: whoever is locked out must not be able to fill the table.
        signals.announce(signals.auth_failed, email=email, reason="locked", address=origin.address)
        raise
    return Attempt(email, origin, User.objects.filter(email=email).first(), allowance)


def check(attempt: Attempt, *, is_right: bool) -> User:
    """The person, where the guess was right; a wrong one stays counted."""
    user = attempt.user
    if user is not None and is_right and user.is_active:
        return user
    record(attempt, Outcome.FAILED)
    signals.announce(signals.auth_failed, email=attempt.email, reason="wrong_password", address=attempt.origin.address)
    raise WrongPassword


def welcome(attempt: Attempt, user: User) -> Allowance:
    """Gives the guess back, and notes who came."""
    with transaction.atomic():
        for subject, name in subjects(attempt.email, attempt.origin.address):
            give_back(subject, name)
        User.objects.filter(id=user.id).update(last_login=timezone.now())
        record(attempt, Outcome.SUCCEEDED)
    signals.announce(signals.login, user=user, method=SignIn.Method.PASSWORD, address=attempt.origin.address)
    return replace(attempt.allowance, remaining=attempt.allowance.remaining + 1)


def record(attempt: Attempt, outcome: SignIn.Outcome) -> None:
    SignIn.objects.create(
        user=attempt.user,
        email=attempt.email,
        method=SignIn.Method.PASSWORD,
        outcome=outcome,
        address=attempt.origin.address,
        user_agent=attempt.origin.user_agent,
    )


def log_in(attempt: Attempt, *, is_right: bool) -> tuple[User, jwt.Pair, Allowance]:
    user = check(attempt, is_right=is_right)
    with transaction.atomic():
        allowance = welcome(attempt, user)
        return user, sessions.open_family(user, user_agent=attempt.origin.user_agent), allowance


class PasswordBackend(ModelBackend):
    """The admin's log-in form, under the same limits as the API."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        email = fold_email(username or str(kwargs.get(User.USERNAME_FIELD) or ""))
        if password is None or not is_email(email) or "\0" in password:
            return None
        attempt = begin(email, origin_of(request) if request is not None else Origin())
        try:
            user = check(attempt, is_right=hashing.verify_blocking(password, attempt.encoded))
        except WrongPassword as exc:
            raise PermissionDenied from exc
        welcome(attempt, user)
        return user


def log_in_by_mail(user: User, origin: Origin) -> sessions.Issued:
    """For whoever proved to read the mail of the account's address."""
    issued = sessions.open_session(user, user_agent=origin.user_agent)
    SignIn.objects.create(
        user=user,
        email=user.email,
        method=SignIn.Method.EMAIL,
        outcome=SignIn.Outcome.SUCCEEDED,
        address=origin.address,
        user_agent=origin.user_agent,
    )
    signals.announce(signals.login, user=user, method=SignIn.Method.EMAIL, address=origin.address)
    return issued
