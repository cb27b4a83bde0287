"""What is kept of people in events: it moves with them, is theirs to read, and goes when they go or with time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import rights, visitors
from apps.accounts.models import User
from apps.analytics import holdings
from apps.analytics.models import Event
from chatkit import retention

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def event(**fields: object) -> Event:
    made: Event = Event.objects.create(event_type="widget_loaded", source="client", **fields)
    return made


def test_what_a_visitor_did_becomes_the_persons(alice: User, entered: visitors.Entered) -> None:
    before, other = event(visitor=entered.visitor), event()
    visitors.claim(entered.visitor, alice)
    before.refresh_from_db()
    other.refresh_from_db()
    assert (before.user, before.visitor, other.user) == (alice, entered.visitor, None)


def test_the_export_holds_the_persons_events_and_no_others(alice: User, entered: visitors.Entered) -> None:
    visitors.claim(entered.visitor, alice)
    own, late = event(user=alice, event_data={"locale": "en"}), event(visitor=entered.visitor)
    event()
    exported = rights.export(alice)["events"]
    assert {row["id"] for row in exported} == {own.id, late.id}
    assert next(row for row in exported if row["id"] == own.id)["event_data"] == {"locale": "en"}


def test_the_deletion_takes_the_persons_events_and_no_others(alice: User, entered: visitors.Entered) -> None:
    visitors.claim(entered.visitor, alice)
    event(user=alice), event(visitor=entered.visitor)
    other = event()
    rights.erase(alice)
    assert list(Event.objects.all()) == [other]


def test_the_admins_deletion_of_somebody_takes_their_events_too(alice: User) -> None:
    event(user=alice)
    alice.delete()
    assert not Event.objects.exists()


def test_old_events_are_pruned(alice: User) -> None:
    now = timezone.now()
    event(created_at=now - timedelta(days=401))
    young = event(created_at=now - timedelta(days=399))
    assert dict(retention.prune())["events that are too old"] == 1
    assert list(Event.objects.all()) == [young]


def test_test_mode_empties_the_table_any_number_of_times() -> None:
    event()
    assert holdings.empty() == ["analytics           emptied (1 events)"]
    assert holdings.empty() == ["analytics           emptied (0 events)"]
