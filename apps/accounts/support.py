"""The `support` group: people who may read what visitors asked, and may not see what anybody logs in with."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.db.models.signals import post_migrate

NAME = "support"

_granted: set[str] = set()


def grant(*permissions: str) -> None:
    """Apps say what of theirs the group may do, as `chat.view_turn`."""
    _granted.update(permissions)


def register() -> None:
    post_migrate.connect(make_group, sender=apps.get_app_config("accounts"), dispatch_uid="support group")


def make_group(using: str, **_: Any) -> None:
    """Makes the group once, and later adds only what did not exist before: what an owner took away stays away."""
    known = set(existing(using))
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)
    group, is_new = Group.objects.using(using).get_or_create(name=NAME)
    wanted = {name: key for name, key in existing(using).items() if is_new or name not in known}
    group.permissions.add(*wanted.values())


def existing(using: str) -> dict[str, int]:
    """Those of the granted permissions that the database knows, by name."""
    rows = (
        Permission.objects.using(using).filter(named(_granted)).values_list("content_type__app_label", "codename", "pk")
    )
    return {f"{app}.{codename}": key for app, codename, key in rows}


def named(permissions: Iterable[str]) -> Q:
    either = Q(pk=None)
    for permission in sorted(permissions):
        app, _, codename = permission.partition(".")
        either |= Q(content_type__app_label=app, codename=codename)
    return either
