"""A person's rights over their data: all of it as JSON, or all of it gone. Each app registers what it keeps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from apps.accounts import revocation, signals
from apps.accounts.models import User

Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """What one app keeps of a person: how it is called, which models hold it, how to read and erase it."""

    name: str
    models: tuple[type[models.Model], ...]
    export: Callable[[User], Rows]
    erase: Callable[[User], object]


_parts: dict[str, Part] = {}


def register(
    name: str, *kept: type[models.Model], export: Callable[[User], Rows], erase: Callable[[User], object]
) -> None:
    """Every model with a foreign key to `User` or `Visitor` belongs to some part; a test walks them all."""
    _parts[name] = Part(name, kept, export, erase)


def covered_models() -> set[type[models.Model]]:
    return {model for part in _parts.values() for model in part.models}


def export(user: User) -> dict[str, Any]:
    account = {
        "user_id": user.id,
        "email": user.email,
        "name": user.name,
        "tier": user.tier,
        "tenant_id": user.tenant_id,
        "created_at": user.created_at,
        "email_verified_at": user.email_verified_at,
        "consented_at": user.consented_at,
        "last_login": user.last_login,
    }
    parts = {part.name: list(part.export(user)) for part in _parts.values()}
    return {"exported_at": timezone.now(), "account": account, **parts}


def erase(user: User) -> None:
    """Everything, in one transaction; nobody who was signed in stays so."""
    user_id, email = user.id, user.email
    with transaction.atomic():
        for part in _parts.values():
            part.erase(user)
        user.delete()
        revocation.spread(revocation.Revocation("token_revoked", user_id=str(user_id)))
    signals.announce(signals.account_deleted, user_id=user_id, email=email)
