"""What ends or changes a credential is felt at once here, and through the channel layer in every other process."""

import asyncio
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import credentials, signals
from apps.accounts.models import Session, User, Visitor
from chatkit.logging import get_logger

log = get_logger(__name__)

GROUP = "chatkit.credentials"
# Forked workers share what was made before them, so the process id is part of the name.
_NAME = secrets.token_hex(8)
PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Revocation:
    """Whose credentials ended: all of a person's or visitor's, or those of some sessions. `reason` is an error code."""

    reason: str
    user_id: str | None = None
    visitor_id: str | None = None
    session_ids: tuple[str, ...] | None = None

    def covers(self, principal: credentials.Principal) -> bool:
        if self.visitor_id is not None:
            return str(principal.visitor_id) == self.visitor_id
        if str(principal.user_id) != self.user_id:
            return False
        return self.session_ids is None or str(principal.session_id) in self.session_ids


def end_sessions(sessions: QuerySet[Session], user: User | str, *, everything: bool = False) -> int:
    """Revokes them, and closes what they hold open in every process."""
    user_id = str(getattr(user, "id", user))
    ids = [str(key) for key in sessions.filter(revoked_at=None).values_list("id", flat=True)]
    ended = Session.objects.filter(id__in=ids, revoked_at=None).update(revoked_at=timezone.now())
    spread(Revocation("token_revoked", user_id=user_id, session_ids=None if everything else tuple(ids)))
    return ended


def end_visitor(visitor_id: UUID | str) -> None:
    Visitor.objects.filter(id=visitor_id, revoked_at=None).update(revoked_at=timezone.now())
    spread(Revocation("token_revoked", visitor_id=str(visitor_id)))


def spread(revocation: Revocation) -> None:
    # At once for this transaction's own eyes, and again when others can see it too.
    credentials.forget()
    transaction.on_commit(lambda: settle(revocation))


def settle(revocation: Revocation) -> None:
    hear(revocation)
    publish({"revoked": asdict(revocation)})


def spread_change(user_id: object) -> None:
    """Tier, roles or name changed; what was proved stays proved."""
    credentials.forget()
    transaction.on_commit(lambda: settle_change(str(user_id)))


def settle_change(user_id: str) -> None:
    credentials.forget()
    signals.principal_changed.send(sender=None, user_id=user_id)
    publish({"changed": user_id})


def hear(revocation: Revocation) -> None:
    credentials.forget()
    signals.credentials_revoked.send(sender=None, revocation=revocation)


def process_name() -> str:
    return f"{_NAME}-{os.getpid()}"


def publish(news: Mapping[str, Any]) -> None:
    """Best effort: a process that misses it stops believing what it remembers a second later."""
    if settings.CHATKIT.redis_url is None:
        return
    try:
        async_to_sync(send)({"type": "credentials.news", "from": process_name(), **news})
    except Exception:  # the log-out itself is committed, and must not fail because Redis does
        log.warning("credential_news_not_sent", exc_info=True)


async def send(message: Mapping[str, Any]) -> None:
    layer: Any = get_channel_layer()
    await asyncio.wait_for(layer.group_send(GROUP, message), PATIENCE)


async def listen() -> None:
    """Runs beside the requests of each process; a lost connection is taken up again."""
    while settings.CHATKIT.redis_url is not None:
        try:
            await receive_news()
        except Exception:  # whatever Redis does, listening goes on
            log.warning("credential_news_interrupted", exc_info=True)
            await asyncio.sleep(PATIENCE)


async def receive_news() -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    try:
        while True:
            take(await layer.receive(channel))
    finally:
        await layer.group_discard(GROUP, channel)


def take(message: Mapping[str, Any]) -> None:
    if message["from"] == process_name():
        return
    if "revoked" in message:
        fields = dict(message["revoked"])
        ids = fields.pop("session_ids")
        hear(Revocation(**fields, session_ids=None if ids is None else tuple(ids)))
    else:
        credentials.forget()
        signals.principal_changed.send(sender=None, user_id=message["changed"])


def user_saved(instance: User, created: bool, **_: Any) -> None:
    """Whoever saved a person, from wherever: what is remembered of them may be wrong, and the disabled go."""
    if created:
        return
    if instance.is_active:
        spread_change(instance.id)
    else:
        spread(Revocation("account_disabled", user_id=str(instance.id)))


def grants_changed(instance: object, pk_set: Collection[object] | None = None, **_: Any) -> None:
    """Groups and permissions may be given to a person, or persons to a group."""
    for user_id in [instance.id] if isinstance(instance, User) else pk_set or ():
        spread_change(user_id)
    credentials.forget()
