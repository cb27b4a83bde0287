"""People and visitors: who they are, how well we know them, and what proves it."""

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.accounts.emails import fold_email

# A browser's name for itself is shown in lists and proves nothing; longer ones are cut.
LONGEST_USER_AGENT = 400


REVOKED = Q(revoked_at__isnull=False)
USED = Q(used_at__isnull=False)
VERIFIED = Q(email_verified_at__isnull=False)


class Tier(models.TextChoices):
    """How well we know somebody; the order is the rank."""

    ANONYMOUS = "anonymous"
    LIGHTWEIGHT = "lightweight"
    FULL = "full"
    PREMIUM = "premium"


class FoldedEmailField(models.EmailField):  # type: ignore[type-arg]  # Django's class takes none when it runs
    """Stores and looks up the folded spelling, so that uniqueness is the database's own."""

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return fold_email(prepared) if isinstance(prepared, str) else prepared


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=fold_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        known = {"is_staff": True, "is_superuser": True, "tier": Tier.FULL, "email_verified_at": timezone.now()}
        return self.create_user(email, password, **{**known, **fields})

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=email or "")


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody with an e-mail address. There is one account an address, however it is written."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = FoldedEmailField("e-mail", max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    tier = models.CharField(max_length=16, choices=Tier, default=Tier.LIGHTWEIGHT)
    tenant_id = models.CharField("tenant", max_length=64, default="default")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    email_verified_at = models.DateTimeField("e-mail verified", null=True, blank=True)
    consented_at = models.DateTimeField("consent to data storage", null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.CheckConstraint(condition=Q(tier__in=Tier.values), name="accounts_user_known_tier")]
        indexes = [
            models.Index(fields=["-created_at"], name="accounts_user_newest"),
            models.Index(fields=["tier", "-created_at"], name="accounts_user_of_tier"),
            models.Index(fields=["-created_at"], condition=Q(is_staff=True), name="accounts_user_staff"),
            models.Index(fields=["-created_at"], condition=Q(is_active=False), name="accounts_user_disabled"),
            models.Index(fields=["-created_at"], condition=VERIFIED, name="accounts_user_verified"),
            models.Index(fields=["-created_at"], condition=~VERIFIED, name="accounts_user_unverified"),
        ]

    def __str__(self) -> str:
        return str(self.email)


def has_grants(user_id: str) -> Q:
    """Most people have neither groups nor permissions; knowing so saves the queries for them."""
    groups = User.groups.through.objects.filter(user_id=OuterRef(user_id))
    permissions = User.user_permissions.through.objects.filter(user_id=OuterRef(user_id))
    return Q(Exists(groups)) | Q(Exists(permissions))


class SessionQuerySet(models.QuerySet["Session"]):
    def with_grants(self) -> "SessionQuerySet":
        return self.annotate(has_grants=has_grants("user_id"))

    def live(self) -> "SessionQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())

    def over(self) -> "SessionQuerySet":
        """Revoked ones are kept until they would have expired, so that their tokens are refused by their true name."""
        return self.filter(expires_at__lte=timezone.now())


class Session(models.Model):
    """One log-in of one person: a widget's, or an API client's with its family of refresh tokens."""

    class Kind(models.TextChoices):
        WIDGET = "widget", "Widget"
        API = "api", "API client"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.WIDGET)
    # The only refresh token of the family that may still be used, by its `jti`.
    refresh_jti = models.CharField(max_length=32, blank=True, editable=False)
    user_agent = models.CharField(max_length=LONGEST_USER_AGENT, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_activity = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="accounts_session_newest"),
            models.Index(fields=["kind", "-created_at"], name="accounts_session_of_kind"),
            models.Index(fields=["-created_at"], condition=REVOKED, name="accounts_session_revoked"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} session {self.id}"


class VisitorQuerySet(models.QuerySet["Visitor"]):
    def expired(self) -> "VisitorQuerySet":
        """Claimed ones go with their account: they say whose conversations once were theirs."""
        return self.filter(expires_at__lte=timezone.now(), claimed_by=None)


class Visitor(models.Model):
    """Somebody of whom nothing is known but that it is the same one again. The key is the public `anon_id`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_agent = models.CharField(max_length=LONGEST_USER_AGENT, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_activity = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="visitors")
    claimed_at = models.DateTimeField(null=True, blank=True)

    objects = VisitorQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="accounts_visitor_newest"),
            models.Index(fields=["-created_at"], condition=REVOKED, name="accounts_visitor_revoked"),
            models.Index(
                fields=["-created_at"], condition=Q(claimed_by__isnull=False), name="accounts_visitor_claimed"
            ),
        ]

    def __str__(self) -> str:
        return f"Visitor {self.id}"


class TokenQuerySet(models.QuerySet["Token"]):
    def with_grants(self) -> "TokenQuerySet":
        return self.annotate(has_grants=has_grants("session__user_id"))

    def expired(self) -> "TokenQuerySet":
        """Kept while their session or visitor lives, so that an old token is told apart from a made-up one."""
        now = timezone.now()
        return (
            self.filter(expires_at__lte=now).exclude(session__expires_at__gt=now).exclude(visitor__expires_at__gt=now)
        )


class Token(models.Model):
    """An opaque credential, of which only the digest is known here."""

    digest = models.CharField(max_length=64, primary_key=True)
    session = models.ForeignKey(Session, models.CASCADE, null=True, related_name="tokens")
    visitor = models.ForeignKey(Visitor, models.CASCADE, null=True, related_name="tokens")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(session__isnull=True) ^ Q(visitor__isnull=True), name="accounts_token_one_owner"
            )
        ]

    def __str__(self) -> str:
        return f"Token of {self.session or self.visitor}"


class VerificationTokenQuerySet(models.QuerySet["VerificationToken"]):
    def open(self) -> "VerificationTokenQuerySet":
        return self.filter(used_at=None, expires_at__gt=timezone.now())

    def stale(self) -> "VerificationTokenQuerySet":
        """A day longer than they are good for, so that asking again for the mail still works."""
        return self.filter(expires_at__lte=timezone.now() - timedelta(days=1))


class VerificationToken(models.Model):
    """Proof that somebody reads the mail of an address: sent there, used once."""

    class Purpose(models.TextChoices):
        SIGNUP = "signup", "Sign-up or log-in by e-mail"
        REGISTER = "register", "Registration with a password"

    digest = models.CharField(max_length=64, unique=True)
    email = FoldedEmailField("e-mail", max_length=254, db_index=True)
    purpose = models.CharField(max_length=8, choices=Purpose, default=Purpose.SIGNUP)
    visitor = models.ForeignKey(Visitor, models.SET_NULL, null=True, blank=True, related_name="verifications")
    # Whose chat shows the number, for whom it was typed, and when that chat was signed in.
    waiting = models.ForeignKey(Visitor, models.SET_NULL, null=True, blank=True, related_name="+")
    number = models.CharField(max_length=2, blank=True)
    approved_for = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+")
    collected_at = models.DateTimeField(null=True, blank=True)
    consented_at = models.DateTimeField("consent to data storage", null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    objects = VerificationTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="accounts_verification_newest"),
            models.Index(fields=["purpose", "-created_at"], name="accounts_verification_purpose"),
            models.Index(fields=["-created_at"], condition=USED, name="accounts_verification_used"),
            models.Index(fields=["-created_at"], condition=~USED, name="accounts_verification_unused"),
        ]

    def __str__(self) -> str:
        return f"Verification of {self.email}"


class SignInQuerySet(models.QuerySet["SignIn"]):
    def old(self) -> "SignInQuerySet":
        return self.filter(created_at__lte=timezone.now() - timedelta(days=90))


class SignIn(models.Model):
    """One attempt to log in, kept for 90 days for the owner who wonders what happened."""

    class Method(models.TextChoices):
        PASSWORD = "password", "Password"
        EMAIL = "email", "E-mail"

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="sign_ins")
    email = FoldedEmailField("e-mail", max_length=254, db_index=True)
    method = models.CharField(max_length=8, choices=Method)
    outcome = models.CharField(max_length=9, choices=Outcome)
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=LONGEST_USER_AGENT, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = SignInQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "sign-in"
        indexes = [
            models.Index(fields=["outcome", "-created_at"], name="accounts_sign_in_outcome"),
            models.Index(fields=["method", "-created_at"], name="accounts_sign_in_method"),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.outcome}"
