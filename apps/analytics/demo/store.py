"""Demo traffic into the database and out of it again, with the figures of its days."""

from collections.abc import Sequence
from datetime import datetime

from django.db import models, transaction

from apps.accounts.models import User, Visitor
from apps.analytics import questions, rollup
from apps.analytics.demo.traffic import BROWSER, EMAIL_DOMAIN, NETWORKS, Rows
from apps.analytics.models import Event
from apps.analytics.periods import Period, day_of
from apps.chat.models import Conversation, Feedback, Message, Turn

AT_ONCE = 500


def write(rows: Rows) -> None:
    """All of it or nothing; afterwards its days are added up."""
    with transaction.atomic():
        insert(User, rows.users)
        insert(Visitor, rows.visitors)
        insert(Conversation, rows.conversations)
        insert(Message, rows.messages)
        insert(Turn, rows.turns)
        insert(Feedback, rows.feedback)
        insert(Event, rows.events)
    questions.catch_up()
    add_up(days_of([event.created_at for event in rows.events]))


def insert(model: type[models.Model], parts: Sequence[models.Model]) -> None:
    model._default_manager.bulk_create(parts, batch_size=AT_ONCE)


def clear() -> int:
    """Takes out what demo traffic put in, and nothing else; says how many rows that were."""
    found = Event.objects.filter(network__in=NETWORKS)
    days = days_of(list(found.values_list("created_at", flat=True)))
    guests = Visitor.objects.filter(user_agent=BROWSER)
    people = User.objects.filter(email__endswith=f"@{EMAIL_DOMAIN}")
    with transaction.atomic():
        conversations = Conversation.objects.filter(models.Q(visitor__in=guests) | models.Q(user__in=people))
        deleted = sum(rows.delete()[0] for rows in (found, conversations, guests, people))
    add_up(days)
    return deleted


def days_of(moments: "list[datetime]") -> Period | None:
    return Period(day_of(min(moments)), day_of(max(moments))) if moments else None


def add_up(period: Period | None) -> None:
    for day in period.days() if period else ():
        if rollup.is_over(day):
            rollup.roll(day)
