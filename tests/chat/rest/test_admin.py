"""The admin over chat: everything can be read and searched, nothing edited, and markup is text."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User, Visitor
from apps.chat.models import Conversation, Feedback, SavedChat, Turn
from tests.chat.rest.conftest import conversation, exchange, source
from tests.environment import CANARY

pytestmark = [pytest.mark.database, pytest.mark.django_db]
MODELS = {"conversation": Conversation, "turn": Turn, "savedchat": SavedChat, "feedback": Feedback}
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def owner(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("owner@example.com", f"{CANARY}-owner"))
    return client


def fill(person: User | Visitor) -> Conversation:
    chat = conversation(person, EVIL)
    turn = exchange(chat, EVIL, EVIL, sources=[source(EVIL, "javascript:alert(1)", excerpt=EVIL), source()])
    Feedback.objects.create(message=turn.reply, rating=-1, comment=EVIL)
    if isinstance(person, User):
        kept = [{"role": "user", "content": EVIL}, {"role": "assistant", "content": EVIL, "sources": [source(EVIL)]}]
        SavedChat.objects.create(user=person, conversation=chat, title=EVIL, messages=kept)
    return chat


def page_of(owner: Client, model: str, suffix: str = "") -> str:
    response = owner.get(f"/admin/chat/{model}/{suffix}")
    assert response.status_code == 200
    return response.content.decode()


def row_page(owner: Client, model: str) -> str:
    row: Any = MODELS[model]._default_manager.first()
    return page_of(owner, model, f"{row.pk}/change/")


@pytest.mark.parametrize("model", MODELS)
def test_stored_markup_is_shown_as_text(owner: Client, alice: User, model: str) -> None:
    fill(alice)
    for page in (page_of(owner, model), row_page(owner, model)):
        assert EVIL not in page
        assert "javascript:alert" not in page
        assert "&lt;script&gt;" in page


def test_the_transcript_has_messages_sources_and_timing(owner: Client, alice: User) -> None:
    chat = conversation(alice)
    exchange(chat, "How?", "Like so.", sources=[source()])
    exchange(chat, "And then?", "Not", status="failed")
    Turn.objects.filter(status="failed").update(error="runtime_unavailable")
    page = row_page(owner, "conversation")
    for shown in ("How?", "Like so.", 'href="https://example.com/embed"', "0.25 s", "1.00 s", "runtime_unavailable"):
        assert shown in page


def test_the_page_of_a_saved_chat_has_its_messages(owner: Client, alice: User) -> None:
    SavedChat.objects.create(user=alice, title="Kept", messages=[{"role": "user", "content": "How do I embed it?"}])
    assert "How do I embed it?" in row_page(owner, "savedchat")


def test_a_very_long_conversation_is_cut(owner: Client, alice: User) -> None:
    chat = conversation(alice)
    first = exchange(chat).question
    first.__class__.objects.bulk_create(
        first.__class__(conversation=chat, role="user", content=f"Question {number}", created_at=timezone.now())
        for number in range(600)
    )
    page = row_page(owner, "conversation")
    assert "The first 500 messages are shown." in page
    assert "Question 599" not in page


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_edited_by_hand(owner: Client, alice: User, model: str) -> None:
    fill(alice)
    row: Any = MODELS[model]._default_manager.first()
    assert owner.get(f"/admin/chat/{model}/add/").status_code == 403
    assert owner.post(f"/admin/chat/{model}/{row.pk}/change/", {"title": "x"}).status_code == 403
    assert owner.post(f"/admin/chat/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_a_list_asks_no_more_for_more_rows(owner: Client, model: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page_of(owner, model)
        return len(queries)

    fill(User.objects.create(email="a@example.com"))
    fill(Visitor.objects.create(expires_at=timezone.now()))
    count()  # The first asks for what the process then remembers.
    few = count()
    for letter in "bcdef":
        fill(User.objects.create(email=f"{letter}@example.com"))
        fill(Visitor.objects.create(expires_at=timezone.now()))
    assert count() == few


def test_a_transcript_asks_no_more_for_more_messages(owner: Client, alice: User) -> None:
    chat = fill(alice)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page_of(owner, "conversation", f"{chat.pk}/change/")
        return len(queries)

    count()  # The first asks for what the process then remembers.
    few = count()
    for _ in range(10):
        exchange(chat, sources=[source()])
    assert count() == few


def test_conversations_are_found_by_title_mail_and_id(owner: Client, alice: User, bob: User, visitor: Visitor) -> None:
    mine, his, theirs = conversation(alice, "Prices"), conversation(bob, "Colours"), conversation(visitor, "Sizes")
    searches = {"pric": mine, "bob@example.com": his, str(theirs.id): theirs, str(visitor.id): theirs}
    for asked, found in searches.items():
        page = page_of(owner, "conversation", f"?q={asked}")
        assert [chat for chat in (mine, his, theirs) if chat.title in page] == [found]


@pytest.mark.parametrize("key", ["x", "00000000-0000-0000-0000-000000000001"])
def test_a_page_of_nothing_leads_back(owner: Client, key: str) -> None:
    assert owner.get(f"/admin/chat/conversation/{key}/change/").status_code == 302


def test_staff_without_the_permission_read_nothing(alice: User) -> None:
    chat = fill(alice)
    support = User.objects.create_user("support@example.com", f"{CANARY}-support", is_staff=True)
    support.user_permissions.add(Permission.objects.get(codename="view_turn"))
    client = Client()
    client.force_login(support)
    assert client.get("/admin/chat/turn/").status_code == 200
    assert client.get(f"/admin/chat/conversation/{chat.pk}/change/").status_code == 403


def test_the_state_of_turns_can_be_filtered(owner: Client, alice: User) -> None:
    exchange(conversation(alice, "Went well"))
    exchange(conversation(alice, "Went wrong"), status="failed")
    page = page_of(owner, "turn", "?status__exact=failed")
    assert ("Went wrong" in page, "Went well" in page) == (True, False)
