"""Rules for passwords beyond Django's own, and what a new one means for those who are signed in."""

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError

from apps.accounts import revocation
from apps.accounts.models import Session, User

LONGEST = 128


class LongestPassword:
    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if len(password) > LONGEST:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return f"A password has at most {LONGEST} characters."


class EndsSessions:
    """Django tells validators of each saved new password, whoever set it: API, admin, command line."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Any password will do."""

    def password_changed(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if isinstance(user, User):
            revocation.end_sessions(Session.objects.filter(user=user), user, everything=True)

    def get_help_text(self) -> str:
        return "Changing it signs you out everywhere."
