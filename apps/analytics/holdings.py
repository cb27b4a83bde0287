"""What analytics keeps of people: joined when a visitor signs in, exported, deleted, and gone with time."""

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import rights, visitors
from apps.accounts.models import User, Visitor
from apps.analytics import rollup
from apps.analytics.models import Day, Event
from apps.analytics.periods import today
from chatkit import retention, seeding


def register() -> None:
    visitors.register_mover(join)
    rights.register("events", Event, export=events, erase=lambda user: Event.objects.of_person(user).delete())
    retention.register("events that are too old", old_events)
    retention.register("figures of days long ago", old_days)
    seeding.register("analytics", empty)


def join(visitor: Visitor, user: User) -> int:
    """What the visitor did becomes part of the person's story; no message moves here."""
    Event.objects.filter(visitor=visitor, user=None).update(user=user)
    return 0


def events(user: User) -> rights.Rows:
    kept: QuerySet[Event] = Event.objects.of_person(user)
    return kept.values("id", "event_type", "source", "session_id", "network", "event_data", "created_at")


def old_events() -> "QuerySet[Event]":
    """Nothing goes before it is added up; this part is asked before those of the apps it listens to."""
    rollup.catch_up()
    kept_from = timezone.now() - timedelta(days=settings.CHATKIT.events_kept_days)
    old: QuerySet[Event] = Event.objects.filter(created_at__lt=kept_from)
    return old


def old_days() -> "QuerySet[Day]":
    kept = settings.CHATKIT.figures_kept_days
    if kept is None:
        return Day.objects.none()
    return Day.objects.filter(day__lt=today() - timedelta(days=kept))


def empty() -> list[str]:
    deleted, _ = Event.objects.all().delete()
    Day.objects.all().delete()
    return [f"analytics           emptied ({deleted} events)"]
