"""The support group reads what was said and sees nothing to log in with; and every reading leaves a record."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import DatabaseError, models
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from apps.accounts import rights
from apps.accounts.models import User
from apps.chat.models import Conversation, Feedback, SavedChat, TranscriptView, Turn
from apps.chat.transcripts import record_view
from apps.knowledge.ingest import write_by_hand
from apps.knowledge.models import Document
from chatkit import retention
from tests.chat.rest.conftest import conversation, exchange
from tests.rows import fill

pytestmark = pytest.mark.django_db
MAY_SEE = {
    "chat.conversation",
    "chat.turn",
    "chat.savedchat",
    "chat.feedback",
    "knowledge.document",
    "knowledge.passage",
    "analytics.event",
}
SAID = {"conversation": Conversation, "turn": Turn, "savedchat": SavedChat, "feedback": Feedback}


def label(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}.{model._meta.model_name}"


def pages_of(model: Any, listing: Any) -> Iterator[str]:
    """Every page that the admin has for a model, with a real row where one is needed."""
    row = model._default_manager.first()
    for pattern in listing.get_urls():
        if isinstance(pattern, URLPattern) and pattern.name:
            needs_row = "<" in str(pattern.pattern)
            if needs_row and row is None:
                continue
            yield f"/admin/{label(model).replace('.', '/')}/" + path_of(pattern, row)


def path_of(pattern: URLPattern, row: Any) -> str:
    key = str(row.pk) if row else ""
    return str(pattern.pattern).replace("<path:object_id>", key).replace("<id>", key)


@pytest.fixture
def chat(db: None) -> Conversation:
    person = User.objects.create_user("alice@example.com", name="Alice")
    made = conversation(person, "Ovens")
    turn = exchange(made, "How hot?", "220 degrees.")
    Feedback.objects.create(message=turn.reply, rating=1)
    SavedChat.objects.create(user=person, conversation=made, title="Kept", messages=[])
    write_by_hand(Document(title="Oven", body="Hot."))
    return made


def test_support_sees_its_lists_and_rows_and_no_other_page(support: Client, chat: Conversation) -> None:
    fill(3)
    for model, listing in admin.site._registry.items():
        for page in pages_of(model, listing):
            is_reading = page.endswith(("/", "/change/")) and not page.endswith(("/add/", "/delete/", "/history/"))
            status = support.get(page).status_code
            if label(model) in MAY_SEE:
                assert not is_reading or status in {200, 302}, page
            else:
                assert status in {403, 404}, page


@pytest.mark.parametrize("kind", ["session", "visitor", "verificationtoken", "user", "signin"])
def test_support_sees_nothing_to_log_in_with(support: Client, kind: str) -> None:
    fill(1)
    listing = f"/admin/accounts/{kind}/"
    assert support.get(listing).status_code == 403
    row: Any = next(m for m in admin.site._registry if m._meta.model_name == kind)._default_manager.first()
    assert support.get(f"{listing}{row.pk}/change/").status_code == 403


def test_support_changes_nothing(support: Client, chat: Conversation) -> None:
    for model in MAY_SEE:
        assert support.get(f"/admin/{model.replace('.', '/')}/add/").status_code == 403, model
    document = Document.objects.get()
    address = f"/admin/knowledge/document/{document.pk}/"
    assert support.post(f"{address}change/", {"title": "Mine"}).status_code == 403
    assert support.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    support.post("/admin/knowledge/document/", {"action": "withdraw", "_selected_action": [document.pk]})
    assert Document.objects.get().is_published


def test_the_front_page_offers_support_only_what_it_may_see(support: Client) -> None:
    page = support.get("/admin/").content.decode()
    assert "/admin/chat/conversation/" in page
    assert "/admin/accounts/" not in page


def test_what_an_owner_took_away_stays_away() -> None:
    group = Group.objects.get(name="support")
    group.permissions.remove(Permission.objects.get(codename="view_savedchat"))
    call_command("migrate", verbosity=0)
    assert not group.permissions.filter(codename="view_savedchat").exists()
    assert group.permissions.filter(codename="view_turn").exists()


def test_what_did_not_exist_before_is_granted() -> None:
    group = Group.objects.get(name="support")
    Permission.objects.get(codename="view_savedchat").delete()
    call_command("migrate", verbosity=0)
    assert group.permissions.filter(codename="view_savedchat").exists()


@pytest.mark.parametrize("kind", SAID)
def test_reading_what_was_said_is_recorded(support: Client, helper: User, chat: Conversation, kind: str) -> None:
    row: Any = SAID[kind]._default_manager.get()
    assert support.get(f"/admin/chat/{kind}/{row.pk}/change/").status_code == 200
    seen = TranscriptView.objects.get()
    assert (seen.staff, seen.what.replace("_", ""), seen.key) == (helper, kind, str(row.pk))
    assert seen.conversation_key == chat.id


@pytest.mark.parametrize("kind", SAID)
def test_each_reading_leaves_a_record_of_its_own(support: Client, chat: Conversation, kind: str) -> None:
    row: Any = SAID[kind]._default_manager.get()
    for _ in range(2):
        support.get(f"/admin/chat/{kind}/{row.pk}/change/")
    assert TranscriptView.objects.count() == 2


@pytest.mark.parametrize("kind", SAID)
def test_what_nobody_may_read_leaves_no_record(chat: Conversation, kind: str) -> None:
    stranger, row = Client(), SAID[kind]._default_manager.get()
    stranger.force_login(User.objects.create_user("new@example.com", is_staff=True))
    assert stranger.get(f"/admin/chat/{kind}/{row.pk}/change/").status_code == 403
    assert not TranscriptView.objects.exists()


def test_what_cannot_be_recorded_is_not_shown(
    support: Client, chat: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(TranscriptView.objects, "create", fail)
    support.raise_request_exception = False
    response = support.get(f"/admin/chat/conversation/{chat.id}/change/")
    assert response.status_code >= 500
    assert b"How hot?" not in response.content


@pytest.mark.parametrize("kind", SAID)
def test_lists_show_nothing_of_the_answers(support: Client, chat: Conversation, kind: str) -> None:
    assert b"220 degrees" not in support.get(f"/admin/chat/{kind}/").content


def test_the_owner_sees_who_read_what_and_support_does_not(
    owner: Client, support: Client, helper: User, chat: Conversation
) -> None:
    support.get(f"/admin/chat/conversation/{chat.id}/change/")
    page = owner.get("/admin/chat/transcriptview/", {"q": str(chat.id)}).content.decode()
    assert "helper@example.com" in page
    assert support.get("/admin/chat/transcriptview/").status_code == 403


@pytest.mark.parametrize("action", ["change", "delete"])
def test_nobody_edits_the_record(owner: Client, chat: Conversation, action: str) -> None:
    owner.get(f"/admin/chat/conversation/{chat.id}/change/")
    row = TranscriptView.objects.get()
    assert owner.post(f"/admin/chat/transcriptview/{row.pk}/{action}/", {"post": "yes"}).status_code == 403


def test_the_record_outlives_the_reader_and_what_was_read(support: Client, helper: User, chat: Conversation) -> None:
    support.get(f"/admin/chat/conversation/{chat.id}/change/")
    key = str(chat.id)
    rights.erase(helper)
    rights.erase(User.objects.get(email="alice@example.com"))
    seen = TranscriptView.objects.get()
    assert (seen.staff, seen.key) == (None, key)


def test_the_record_is_kept_for_a_year(helper: User) -> None:
    for days in (364, 366):
        moment = timezone.now() - timedelta(days=days)
        TranscriptView.objects.create(staff=helper, what="turn", key=str(days), created_at=moment)
    dict(retention.prune())
    assert [row.key for row in TranscriptView.objects.all()] == ["364"]


def test_an_export_is_recorded_by_its_name(helper: User) -> None:
    record_view(helper.pk, TranscriptView.What.EXPORT, "unanswered.csv")
    assert str(TranscriptView.objects.get()) == "Export unanswered.csv"
