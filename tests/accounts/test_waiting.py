"""The chat that waits for its mailed link: signed in by the number it shows, once, and nobody else's chat."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts import waiting
from apps.accounts.models import User, VerificationToken, Visitor
from tests.accounts.conftest import Answer, Api
from tests.accounts.test_registration import code, sign_up

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def number(as_visitor: Api, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the visitor's chat shows."""
    monkeypatch.setattr(waiting, "number", lambda: "47")
    shown: str = sign_up(as_visitor, wait=True).body["number"]
    return shown


def press(number: str = "", token: str = "") -> str:
    form = {"token": token or code(), "number": number}
    return Client().post("/verify", form).content.decode()


def collect(api: Api) -> Answer:
    return api.post("/auth/collect")


def test_the_number_typed_where_the_link_leads_signs_the_chat_in(as_visitor: Api, number: str) -> None:
    assert collect(as_visitor).body == {"success": False, "pending": True}
    assert "The chat is signed in" in press(number)
    answer = collect(as_visitor)
    assert (answer.status, answer.body["user_profile"]["email"]) == (200, "carol@example.com")
    assert Api(answer.body["session_token"]).get("/auth/me").body["email"] == "carol@example.com"


def test_it_is_signed_in_once(as_visitor: Api, number: str) -> None:
    press(number)
    assert [collect(as_visitor).body["success"] for _ in range(2)] == [True, False]


def test_whoever_presses_the_button_in_good_faith_signs_nobody_in(as_visitor: Api, number: str) -> None:
    """The mail was asked for by a stranger, whose number its reader does not see."""
    assert "Your address is confirmed" in press()
    assert collect(as_visitor).body == {"success": False, "pending": False}


def test_a_wrong_number_signs_nobody_in_and_uses_nothing_up(as_visitor: Api, number: str) -> None:
    token = code()
    assert "The chat shows another number" in press("48", token)
    assert not User.objects.filter(email="carol@example.com").exists()
    assert collect(as_visitor).body == {"success": False, "pending": True}
    press(number, token)
    assert collect(as_visitor).body["success"]


@pytest.mark.parametrize("typed", ["4", "470", "４７", "47\0", "x" * 10_000, "é"])
def test_nothing_but_the_number_is_the_number(as_visitor: Api, number: str, typed: str) -> None:
    press(typed)
    assert collect(as_visitor).body["success"] is False


def test_the_page_asks_for_a_number_only_where_a_chat_shows_one(api: Api, as_visitor: Api) -> None:
    sign_up(api, wait=True)
    assert "Number in the chat" not in Client().get("/verify", {"token": code()}).content.decode()
    sign_up(as_visitor, wait=True)
    assert "Number in the chat" in Client().get("/verify", {"token": code()}).content.decode()


def test_without_a_visitors_credential_nobody_waits(api: Api) -> None:
    assert sign_up(api, wait=True).body == {"status": "verification_sent"}


def test_another_visitor_collects_nothing(number: str) -> None:
    press(number)
    other = Api(Api().post("/auth/visitor", {}).body["visitor_token"])
    assert collect(other).body == {"success": False, "pending": False}


def test_nobody_collects_without_a_visitors_token(api: Api, alice: User, as_alice: Api) -> None:
    assert collect(api).error == "no_token"
    assert collect(as_alice).error == "invalid_token"
    assert collect(Api("ckv_made-up")).error == "invalid_token"


def test_the_conversations_come_along_and_the_chat_is_signed_in_all_the_same(as_visitor: Api, number: str) -> None:
    sign_up(as_visitor, wait=True, migrate_session=True)
    press(number)
    assert Visitor.objects.get().claimed_by == User.objects.get(email="carol@example.com")
    assert collect(as_visitor).body["success"]


def test_a_mail_sent_again_keeps_the_number(as_visitor: Api, api: Api, number: str) -> None:
    api.post("/auth/resend-verification", {"email": "carol@example.com"})
    press(number)
    assert collect(as_visitor).body["success"]


def test_what_was_not_collected_in_time_stays_closed(as_visitor: Api, number: str) -> None:
    press(number)
    VerificationToken.objects.update(used_at=timezone.now() - waiting.COLLECTED_WITHIN - timedelta(seconds=1))
    assert collect(as_visitor).body == {"success": False, "pending": False}


def test_a_disabled_account_is_not_signed_in(as_visitor: Api, number: str) -> None:
    press(number)
    User.objects.update(is_active=False)
    assert collect(as_visitor).error == "account_disabled"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_collect_at_the_same_time_one_gets_the_session(as_visitor: Api, number: str) -> None:
    press(number)

    def one(_: int) -> bool:
        try:
            return bool(Api(as_visitor.token).post("/auth/collect").body["success"])
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(one, range(6))) == [False] * 5 + [True]
