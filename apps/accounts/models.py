"""People: who they are and how well we know them."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone


class Tier(models.TextChoices):
    """How well we know somebody; the order is the rank."""

    ANONYMOUS = "anonymous"
    LIGHTWEIGHT = "lightweight"
    FULL = "full"
    PREMIUM = "premium"


def fold_email(email: str) -> str:
    """One spelling an address: what is stored, looked up and counted."""
    return email.strip().lower()


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
        return self.create_user(email, password, is_staff=True, is_superuser=True, tier=Tier.FULL, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=email or "")


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody with an e-mail address. There is one account an address, however it is written."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = FoldedEmailField("e-mail", max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    tier = models.CharField(max_length=16, choices=Tier, default=Tier.LIGHTWEIGHT)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.email)
