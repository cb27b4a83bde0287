"""What happened: one row an event, told by a client or noticed by the server; and what it comes to, day by day."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User, Visitor
from apps.chat.models import Turn
from chatkit.ids import new_id

LONGEST_TYPE = 64
LONGEST_KEY = 400


class EventQuerySet(models.QuerySet["Event"]):
    def of_person(self, user: User) -> "EventQuerySet":
        """Also what was told as a visitor whom the person has claimed since."""
        return self.filter(Q(user=user) | Q(visitor__claimed_by=user))

    def told(self, *event_types: str) -> "EventQuerySet":
        return self.filter(source=Event.Source.CLIENT, event_type__in=event_types)

    def noticed(self, *event_types: str) -> "EventQuerySet":
        return self.filter(source=Event.Source.SERVER, event_type__in=event_types)


class Event(models.Model):
    """It never holds what was said, nor anything that proves who somebody is.

    Nothing in the database checks whom an event names, so that writing one can fail nobody's action, and that events
    outlive a visitor who stays away.
    """

    class Source(models.TextChoices):
        CLIENT = "client"
        SERVER = "server"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event_type = models.CharField("type", max_length=LONGEST_TYPE)
    source = models.CharField(max_length=6, choices=Source, help_text="Who says so: a client, or the server itself.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, db_constraint=False, db_index=False
    )
    visitor = models.ForeignKey(
        Visitor, models.DO_NOTHING, null=True, blank=True, db_constraint=False, db_index=False, related_name="+"
    )
    session_id = models.UUIDField("session", null=True, blank=True)
    request_id = models.UUIDField("request", null=True, blank=True)
    network = models.CharField(max_length=43, blank=True, help_text="Where from: a /24 of IPv4 or a /48 of IPv6.")
    event_data = models.JSONField("data", default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="analytics_event_recent"),
            models.Index(fields=["event_type", "-created_at"], name="analytics_event_of_type"),
            models.Index(
                fields=["user", "created_at"], condition=Q(user__isnull=False), name="analytics_event_of_user"
            ),
            models.Index(
                fields=["visitor", "created_at"], condition=Q(visitor__isnull=False), name="analytics_event_of_visitor"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} at {self.created_at:%Y-%m-%d %H:%M:%S}"


class Day(models.Model):
    """A day that is over, as the owner's clock had it, and that has been added up."""

    day = models.DateField(primary_key=True)
    time_zone = models.CharField(max_length=64, help_text="By whose clock it began and ended.")
    rolled_at = models.DateTimeField("added up", default=timezone.now)

    class Meta:
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day}"


class Figure(models.Model):
    """The numbers of one name and day, by key. They say nothing of anybody, and outlive the rows they come from."""

    pk = models.CompositePrimaryKey("day_id", "name")
    day = models.ForeignKey(Day, models.CASCADE, related_name="figures", db_index=False)
    name = models.CharField(max_length=40)
    # One row and not one a key: a year is read in a few thousand rows.
    numbers = models.JSONField(default=dict)

    class Meta:
        ordering = ["day", "name"]

    def __str__(self) -> str:
        return f"{self.name} on {self.day_id}"


IN_VAIN = Q(is_unsourced=True) | Q(is_retried=True)


class AskedQuestion(models.Model):
    """What reports need to know of a turn to find questions that are like it: never the question itself."""

    turn = models.OneToOneField(Turn, models.CASCADE, primary_key=True, related_name="asked")
    likeness = models.BigIntegerField(help_text="The same for questions made of the same words, whatever their order.")
    is_unsourced = models.BooleanField("without a source", default=False)
    is_retried = models.BooleanField("tried again", default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["likeness", "created_at"], name="analytics_asked_alike"),
            # These two hold all that is counted, so that counting a year touches no row.
            models.Index(fields=["created_at", "likeness"], name="analytics_asked_recent"),
            models.Index(
                fields=["created_at", "likeness", "is_unsourced", "is_retried", "turn"],
                condition=IN_VAIN,
                name="analytics_asked_in_vain",
            ),
        ]

    def __str__(self) -> str:
        return f"Question of turn {self.turn_id}"
