"""What the owner tells the model: kept version by version, in force from the next question on."""

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.gateway.models import SiteInstructions, site_instructions
from tests.leaks import CANARY

pytestmark = [pytest.mark.database, pytest.mark.django_db]
PAGE = "/admin/gateway/siteinstructions/"


@pytest.fixture
def owner(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("owner@example.com", f"{CANARY}-owner"))
    return client


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(settings, "CHATKIT", settings.CHATKIT.model_copy(update={"agent_instructions": "Be warm."}))
    return "Be warm."


def test_the_setting_counts_until_somebody_writes(setting: str) -> None:
    assert site_instructions() == setting


def test_what_is_written_in_the_admin_counts_from_then_on(owner: Client, setting: str) -> None:
    owner.post(f"{PAGE}add/", {"text": "Say pantry."})
    owner.post(f"{PAGE}add/", {"text": "Say larder."})
    assert site_instructions() == "Say larder."


def test_writing_nothing_returns_to_the_setting(owner: Client, setting: str) -> None:
    owner.post(f"{PAGE}add/", {"text": "Say pantry."})
    owner.post(f"{PAGE}add/", {"text": ""})
    assert site_instructions() == setting


def test_everyone_can_see_who_changed_what(owner: Client) -> None:
    owner.post(f"{PAGE}add/", {"text": "<b>Say pantry.</b>"})
    page = owner.get(PAGE).content.decode()
    assert "owner@example.com" in page
    assert "&lt;b&gt;Say pantry." in page
    assert SiteInstructions.objects.get().changed_by == User.objects.get()


def test_the_next_version_begins_with_what_counts(owner: Client, setting: str) -> None:
    assert setting in owner.get(f"{PAGE}add/").content.decode()


def test_no_version_is_written_over(owner: Client) -> None:
    owner.post(f"{PAGE}add/", {"text": "One."})
    version = SiteInstructions.objects.get()
    assert owner.post(f"{PAGE}{version.pk}/change/", {"text": "Two."}).status_code == 403
    assert owner.post(f"{PAGE}{version.pk}/delete/", {"post": "yes"}).status_code == 403
    assert owner.get(f"{PAGE}{version.pk}/change/").status_code == 200


def test_too_long_is_told_and_loses_nothing(owner: Client) -> None:
    answer = owner.post(f"{PAGE}add/", {"text": "x" * 8001})
    assert "has at most 8000 characters" in answer.content.decode()
    assert "x" * 8001 in answer.content.decode()
    assert not SiteInstructions.objects.exists()


def test_staff_without_the_right_may_not_write(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("staff@example.com", f"{CANARY}-staff", is_staff=True))
    assert client.post(f"{PAGE}add/", {"text": "x"}).status_code == 403


def test_who_leaves_takes_no_version_along(owner: Client) -> None:
    owner.post(f"{PAGE}add/", {"text": "One."})
    User.objects.all().delete()
    assert SiteInstructions.objects.get().changed_by is None
