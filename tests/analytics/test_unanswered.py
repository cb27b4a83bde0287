"""From a question without a good answer to a better one: what the page shows, writes, asks, and refuses."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.analytics import groups, questions
from apps.analytics.periods import Period
from apps.chat import agents
from apps.chat.models import HandledQuestion, Message, TranscriptView, Turn
from apps.knowledge import search
from apps.knowledge.ingest import write_by_hand
from apps.knowledge.models import Document
from tests.analytics.stories import turn, visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
ASKED = "Do you sell gluten-free sourdough?"
NOTHING = "I found nothing about that."
BODY = "Gluten-free sourdough is sold on Fridays, from nine o'clock."


@pytest.fixture
def owner(transactional_db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("owner@example.com"))
    return client


@pytest.fixture
def asked(transactional_db: None) -> Turn:
    made = turn(visitor(), ASKED, at=timezone.now(), sources=())
    Message.objects.filter(pk=made.reply_id).update(content=NOTHING)
    questions.catch_up()
    return made


@pytest.fixture
def broken_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> AsyncGenerator[str]:
        raise RuntimeError("A provider's own words")
        yield ""

    monkeypatch.setattr(agents, "answer", fail)


def address(of: Turn) -> str:
    return f"/admin/unanswered/{of.pk}/"


def write(client: Client, of: Turn, body: str = BODY, title: str = ASKED, **more: Any) -> str:
    form = {"action": "save", "title": title, "body": body, "url": "", **more}
    response = client.post(address(of), form, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def with_permissions(*codenames: str) -> Client:
    user = User.objects.create_user("staff@example.com", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def test_the_page_shows_the_question_the_old_answer_and_what_is_found(owner: Client, asked: Turn) -> None:
    write_by_hand(Document(title="Sourdough", body="Sourdough takes two days."))
    page = owner.get(address(asked)).content.decode()
    for shown in (ASKED, NOTHING, "Sourdough takes two days.", "It named no source."):
        assert shown in page


def test_a_written_passage_answers_the_same_question(owner: Client, asked: Turn) -> None:
    page = write(owner, asked)
    assert page.count("is sold on Fridays") >= 2
    assert "Saved, and asked again." in page
    assert NOTHING in page
    assert search.search(ASKED)[0].title == ASKED


def test_what_is_written_is_in_the_history_of_the_document(owner: Client, asked: Turn) -> None:
    write(owner, asked)
    written = Document.objects.get()
    write(owner, asked, "On Saturdays too.", document=str(written.pk))
    assert [entry.action_flag for entry in LogEntry.objects.order_by("pk")] == [1, 2]
    assert owner.get(f"/admin/knowledge/document/{written.pk}/history/").status_code == 200


def test_saving_again_edits_the_same_passage(owner: Client, asked: Turn) -> None:
    write(owner, asked)
    page = write(owner, asked, "Never on Mondays, gluten-free sourdough.", document=str(Document.objects.get().pk))
    assert "Never on Mondays" in page
    assert [document.body for document in Document.objects.all()] == ["Never on Mondays, gluten-free sourdough."]


def test_reloading_the_page_writes_nothing_twice(owner: Client, asked: Turn) -> None:
    response = owner.post(address(asked), {"action": "save", "title": ASKED, "body": BODY, "url": ""})
    assert response.status_code == 302
    for _ in range(2):
        assert "is sold on Fridays" in owner.get(response.headers["Location"]).content.decode()
    assert Document.objects.count() == 1


def test_asking_again_changes_nothing_of_the_conversation(owner: Client, asked: Turn) -> None:
    write_by_hand(Document(title=ASKED, body=BODY))
    before = list(Message.objects.values_list("content", flat=True))
    page = owner.post(address(asked), {"action": "ask"}, follow=True).content.decode()
    assert 'id="answer-now"' in page
    assert list(Message.objects.values_list("content", flat=True)) == before
    assert Turn.objects.count() == 1


@pytest.mark.parametrize("body", ["", "   ", "\n"])
def test_nothing_to_say_is_refused_and_kept_in_the_form(owner: Client, asked: Turn, body: str) -> None:
    response = owner.post(address(asked), {"action": "save", "title": "Kept title", "body": body, "url": ""})
    assert (response.status_code, Document.objects.count()) == (200, 0)
    assert "Kept title" in response.content.decode()


def test_what_was_ingested_is_not_edited_here(owner: Client, asked: Turn) -> None:
    document = Document.objects.create(title="Ingested", source="page.md")
    assert owner.get(f"{address(asked)}?document={document.pk}").status_code == 404
    form = {"action": "save", "title": "Mine", "body": BODY, "url": "", "document": document.pk}
    assert owner.post(address(asked), form).status_code == 404


@pytest.mark.parametrize("key", ["x", "-1", "9" * 30, "٣"])
def test_a_document_that_is_none_is_not_found(owner: Client, asked: Turn, key: str) -> None:
    assert owner.get(address(asked), {"document": key}).status_code == 404


def test_an_unknown_turn_is_not_found(owner: Client) -> None:
    assert owner.get("/admin/unanswered/00000000-0000-0000-0000-000000000001/").status_code == 404


def test_an_unknown_action_changes_nothing(owner: Client, asked: Turn) -> None:
    page = owner.post(address(asked), {"action": "erase"}, follow=True).content.decode()
    assert "Choose one of the buttons." in page


@pytest.mark.usefixtures("broken_agent")
def test_what_was_written_is_kept_when_the_agent_fails(owner: Client, asked: Turn) -> None:
    page = write(owner, asked)
    assert "The agent could not answer" in page
    assert "provider&#x27;s own words" not in page
    assert Document.objects.count() == 1


def test_a_handled_question_leaves_the_list_with_all_of_its_words(owner: Client, asked: Turn) -> None:
    turn(visitor(), "Gluten-free sourdough, do you sell?", at=timezone.now(), sources=())
    other = turn(visitor(), "Is there parking?", at=timezone.now(), sources=())
    questions.catch_up()
    page = owner.post(address(asked), {"action": "handle"}, follow=True).content.decode()
    assert "Handled: 2 questions" in page
    left = groups.unanswered_questions(Period.of_last(2))
    assert [group.turn_ids for group in left] == [(other.pk,)]


def test_what_is_asked_after_it_was_handled_counts_again(owner: Client, asked: Turn) -> None:
    owner.post(address(asked), {"action": "handle"})
    turn(visitor(), ASKED, at=timezone.now(), sources=())
    questions.catch_up()
    assert [group.asked for group in groups.unanswered_questions(Period.of_last(2))] == [1]


def test_handling_twice_is_as_good_as_once(owner: Client, asked: Turn) -> None:
    for _ in range(2):
        assert owner.post(address(asked), {"action": "handle"}).status_code == 302
    assert HandledQuestion.objects.count() == 1


@pytest.mark.parametrize("permission", ["view_message", "change_document"])
def test_half_of_the_permissions_are_not_enough(asked: Turn, permission: str) -> None:
    client = with_permissions(permission)
    assert client.get(address(asked)).status_code == 403
    assert client.post(address(asked), {"action": "handle"}).status_code == 403
    assert not HandledQuestion.objects.exists()


def test_who_may_not_add_documents_edits_those_there_are(asked: Turn) -> None:
    client = with_permissions("view_message", "change_document")
    form = {"action": "save", "title": "New", "body": BODY, "url": ""}
    assert client.post(address(asked), form).status_code == 403
    written = Document(title="Bread", body="Rye.")
    write_by_hand(written)
    assert "is sold on Fridays" in write(client, asked, document=str(written.pk))


def test_visitors_and_strangers_are_sent_to_log_in(asked: Turn) -> None:
    assert "/admin/login/" in Client().get(address(asked)).headers["Location"]


@pytest.mark.parametrize("action", ["save", "ask", "handle"])
def test_another_site_cannot_post_it(asked: Turn, action: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("owner@example.com"))
    form = {"action": action, "title": ASKED, "body": BODY, "url": ""}
    assert client.post(address(asked), form).status_code == 403
    assert not Document.objects.exists()


def test_each_look_is_recorded(owner: Client, asked: Turn) -> None:
    owner.get(address(asked))
    seen = TranscriptView.objects.get()
    assert (seen.what, seen.key, seen.conversation_key) == ("question", str(asked.pk), asked.conversation_id)


def test_the_answer_of_another_question_is_not_shown(owner: Client, asked: Turn) -> None:
    write(owner, asked)
    other = turn(visitor(), "Is there parking?", at=timezone.now(), sources=())
    assert 'id="answer-now"' not in owner.get(address(other)).content.decode()


@pytest.fixture(autouse=True)
def a_fresh_corpus() -> Iterator[None]:
    yield
    Document.objects.all().delete()
