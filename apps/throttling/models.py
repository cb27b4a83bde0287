"""Who has used how much of which limit."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class CounterQuerySet(models.QuerySet["Counter"]):
    def expired(self) -> "CounterQuerySet":
        return self.filter(expires_at__lte=Now())

    def running(self) -> "CounterQuerySet":
        return self.filter(expires_at__gt=Now())

    def exhausted(self) -> "CounterQuerySet":
        return self.running().filter(maximum__isnull=False, count__gte=F("maximum"))


class Counter(models.Model):
    """One window of one limit for one caller. It begins with the first counted call and is replaced after its end."""

    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=400, help_text="Whom the limit counts: a principal, an address.")
    count = models.PositiveBigIntegerField(default=0)
    maximum = models.PositiveBigIntegerField(null=True, help_text="The limit in force at the last counted call.")
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = CounterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "subject"], name="throttling_counter_one_window"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="throttling_counter_expiry"),
            models.Index(
                fields=["-expires_at"], condition=Q(count__gte=F("maximum")), name="throttling_counter_exhausted"
            ),
        ]
        ordering = ["-expires_at"]

    def __str__(self) -> str:
        return f"{self.action} of {self.subject}: {self.count}"
