"""A chat that asked for the mail is let in by the mailed link: that chat alone, once, soon, and only when its owner says so."""

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from apps.accounts import registration, visitors
from apps.accounts.models import Session, User, VerificationToken
from tests.accounts.conftest import Answer, Api
from tests.accounts.test_flows import mailed_code, signed_up

pytestmark = [pytest.mark.database, pytest.mark.django_db, pytest.mark.usefixtures("unhashed_files")]
CAROL = "carol@example.com"


@pytest.fixture
def as_stranger() -> Api:
    return Api(visitors.enter(anon_id=None, presented=None, user_agent="Another browser").issued.raw)


def press(code: str, **choice: str) -> None:
    assert Client().post("/verify", {"token": code, **choice}).status_code == 200


def status(api: Api) -> Answer:
    return api.get("/auth/verification-status")


def test_the_asking_chat_gets_a_session_exactly_once(as_visitor: Api) -> None:
    press(signed_up(as_visitor, CAROL), lets_in="yes")
    collected = status(as_visitor).body
    assert collected["user_profile"] == {"email": CAROL, "tier": "lightweight"}
    assert Api(collected["session_token"]).get("/auth/me").body["email"] == CAROL
    assert status(as_visitor).body == {"verified": True, "pending": False}
    assert Session.objects.count() == 1


def test_nobody_is_let_in_by_confirming_alone(as_visitor: Api) -> None:
    press(signed_up(as_visitor, CAROL))
    assert status(as_visitor).body == {"verified": True, "pending": False}


def test_another_visitor_collects_nothing(as_visitor: Api, as_stranger: Api) -> None:
    press(signed_up(as_visitor, CAROL), lets_in="yes")
    assert status(as_stranger).body == {"verified": False, "pending": False}
    assert "session_token" in status(as_visitor).body


def test_a_mail_that_nobody_asked_for_in_a_chat_lets_nobody_in(api: Api, as_visitor: Api) -> None:
    press(signed_up(api, CAROL), lets_in="yes")
    assert status(as_visitor).body == {"verified": False, "pending": False}


def test_what_was_not_collected_soon_is_gone(as_visitor: Api) -> None:
    press(signed_up(as_visitor, CAROL), lets_in="yes")
    VerificationToken.objects.update(released_at=timezone.now() - registration.LIFE - timedelta(seconds=1))
    assert "session_token" not in status(as_visitor).body


def test_a_disabled_account_is_not_let_in(as_visitor: Api) -> None:
    press(signed_up(as_visitor, CAROL), lets_in="yes")
    User.objects.update(is_active=False)
    assert "session_token" not in status(as_visitor).body


def test_a_mail_sent_again_lets_in_whoever_asked_again(as_visitor: Api, as_stranger: Api) -> None:
    """Otherwise a stranger who signed an address up first would be let in by its owner's own second mail."""
    signed_up(as_stranger, CAROL)
    as_visitor.post("/auth/resend-verification", {"email": CAROL})
    press(mailed_code(), lets_in="yes")
    assert "session_token" not in status(as_stranger).body
    assert "session_token" in status(as_visitor).body


def test_the_page_offers_it_only_where_a_chat_asked(as_visitor: Api, api: Api) -> None:
    asked = Client().get("/verify", {"token": signed_up(as_visitor, CAROL)}).content.decode()
    assert "A browser" in asked and "lets_in" in asked
    outbox.outbox.clear()
    assert "lets_in" not in Client().get("/verify", {"token": signed_up(api, CAROL)}).content.decode()


def test_a_pasted_code_lets_in_nobody_else(as_visitor: Api, api: Api) -> None:
    api.post("/auth/verify", {"token": signed_up(as_visitor, CAROL)})
    assert "session_token" not in status(as_visitor).body


def test_it_says_whether_a_mail_is_still_waited_for(as_visitor: Api) -> None:
    assert status(as_visitor).body["pending"] is False
    signed_up(as_visitor, CAROL)
    assert status(as_visitor).body["pending"] is True
    VerificationToken.objects.update(expires_at=timezone.now())
    assert status(as_visitor).body["pending"] is False
