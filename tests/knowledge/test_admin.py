"""Owners see documents and passages, write notices, publish and withdraw."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.knowledge.ingest import Report, write_by_hand
from apps.knowledge.models import Document, Passage
from apps.knowledge.search import search

pytestmark = pytest.mark.django_db
DOCUMENTS = "admin:knowledge_document_changelist"


@pytest.fixture
def alice(client: Client) -> Client:
    """The owner, logged in."""
    client.force_login(get_user_model().objects.create_superuser("alice@example.com", "correct horse battery"))
    return client


def change(client: Client, document: Document, **fields: str) -> int:
    form = {"passages-TOTAL_FORMS": "0", "passages-INITIAL_FORMS": "0", **fields}
    return client.post(reverse("admin:knowledge_document_change", args=[document.pk]), form).status_code


def test_a_notice_written_in_the_admin_is_found(alice: Client) -> None:
    form = {"title": "Oven", "body": "## Repair\n\nThe oven is broken.", "is_published": "on"}
    form |= {"passages-TOTAL_FORMS": "0", "passages-INITIAL_FORMS": "0"}
    assert alice.post(reverse("admin:knowledge_document_add"), form).status_code == 302
    assert search("broken oven")[0].title == "Oven › Repair"


def test_editing_a_notice_makes_its_passages_anew(alice: Client) -> None:
    notice = Document(title="Oven", body="The oven is broken.")
    write_by_hand(notice)
    assert change(alice, notice, title="Oven", body="The oven works again.", is_published="on") == 302
    assert [passage.text for passage in Passage.objects.all()] == ["The oven works again."]


def test_a_withdrawn_notice_is_not_found(alice: Client) -> None:
    notice = Document(title="Oven", body="The oven is broken.")
    write_by_hand(notice)
    change(alice, notice, title="Oven", body="The oven is broken.")
    assert search("broken oven") == []


def test_an_ingested_document_can_be_withdrawn_but_not_edited(alice: Client, bakery: Report) -> None:
    orders = Document.objects.get(title="Orders")
    assert change(alice, orders, title="Mine") == 302
    orders.refresh_from_db()
    assert (orders.title, orders.is_published) == ("Orders", False)
    assert orders.passages.exists()


def test_the_actions_withdraw_and_publish(alice: Client, bakery: Report) -> None:
    chosen = list(Document.objects.values_list("pk", flat=True))
    alice.post(reverse(DOCUMENTS), {"action": "withdraw", "_selected_action": chosen})
    assert search("wedding cake") == []
    alice.post(reverse(DOCUMENTS), {"action": "publish", "_selected_action": chosen})
    assert search("wedding cake") != []


def test_the_list_links_to_a_documents_passages(alice: Client, bakery: Report) -> None:
    orders = Document.objects.get(title="Orders")
    address = f"{reverse('admin:knowledge_passage_changelist')}?document__id__exact={orders.pk}"
    assert f'<a href="{address}">view 4</a>' in alice.get(reverse(DOCUMENTS)).content.decode()
    assert "Wedding cakes" in alice.get(address).content.decode()


@pytest.mark.parametrize("page", ["document", "passage"])
def test_a_list_costs_the_same_whatever_its_length(
    alice: Client, bakery: Report, django_assert_max_num_queries: DjangoAssertNumQueries, page: str
) -> None:
    with django_assert_max_num_queries(8):
        alice.get(reverse(f"admin:knowledge_{page}_changelist") + "?q=order")


def test_passages_can_only_be_looked_at(alice: Client, bakery: Report) -> None:
    passage = Passage.objects.first()
    assert passage is not None
    address = reverse("admin:knowledge_passage_change", args=[passage.pk])
    assert alice.get(address).status_code == 200
    assert alice.post(address, {"text": "x"}).status_code == 403
