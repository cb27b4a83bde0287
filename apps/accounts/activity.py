"""When somebody was last here: written at most once a minute, and never in the caller's way."""

from contextlib import suppress
from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import Session, Visitor
from chatkit.entries import Change
from chatkit.errors import ServerAtCapacity
from chatkit.ledger import ledger

MINUTE = timedelta(minutes=1)


def note(seen: Session | Visitor) -> None:
    now = timezone.now()
    if now - seen.last_activity < MINUTE:
        return
    # Where the ledger is full, the next call a second later is another chance.
    with suppress(ServerAtCapacity):
        ledger.leave(Change(type(seen), {"id": seen.id}, {"last_activity": now}))
