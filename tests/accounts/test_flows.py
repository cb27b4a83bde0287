"""The calls of the contract, one after the other, as a client makes them."""

import re
from typing import Any

import pytest
from django.core import mail as outbox

from apps.accounts import mail
from apps.accounts.models import Tier, User
from tests.accounts.conftest import PASSWORD, Api

pytestmark = [pytest.mark.database, pytest.mark.django_db]
CODE = re.compile(r"ckm_[\w-]{43}")


def mailed_code() -> str:
    mail.settle()
    match = CODE.search(str(outbox.outbox[-1].body))
    assert match is not None
    return match[0]


def signed_up(api: Api, email: str, **more: Any) -> str:
    answer = api.post("/auth/signup", {"email": email, "consent_data_storage": True, **more})
    assert (answer.status, answer.body) == (200, {"status": "verification_sent"})
    return mailed_code()


def test_a_sign_up_by_mail_ends_in_a_session(api: Api) -> None:
    verified = api.post("/auth/verify", {"token": signed_up(api, "carol@example.com")})
    assert verified.status == 200
    assert verified.body["user_profile"] == {"email": "carol@example.com", "tier": "lightweight"}
    checked = Api(verified.body["session_token"]).get("/auth/session-check")
    assert checked.body["user"] == {"email": "carol@example.com", "tier": "lightweight"}


def test_registration_then_log_in_then_verification_makes_a_full_account(api: Api) -> None:
    person = {"email": "Dora@Example.com", "password": PASSWORD, "name": "Dora"}
    registered = api.post("/auth/register", person)
    assert (registered.status, registered.body["success"]) == (200, True)
    logged_in = api.post("/auth/login", {"email": "dora@example.COM", "password": PASSWORD})
    assert logged_in.body["token_type"] == "Bearer"
    assert logged_in.body["user_id"] == registered.body["user_id"]
    as_dora = Api(logged_in.body["access_token"])
    assert as_dora.get("/auth/me").body["tier"] == "lightweight"
    api.post("/auth/verify", {"token": mailed_code()})
    assert as_dora.get("/protected").body["tier"] == "full"


def test_me_of_a_visitor_names_the_anon_id_and_no_person(as_visitor: Api) -> None:
    body = as_visitor.get("/auth/me").body
    assert body["tier"] == "anonymous"
    assert {"user_id", "email"}.isdisjoint(body)


def test_log_out_ends_the_session(as_alice: Api) -> None:
    assert as_alice.post("/auth/logout").status == 204
    refused = as_alice.get("/auth/session-check")
    assert (refused.status, refused.error) == (401, "token_revoked")
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_export_and_deletion(as_alice: Api, alice: User) -> None:
    assert as_alice.get("/account/export").body["account"]["email"] == "alice@example.com"
    assert as_alice.delete("/account").status == 204
    assert as_alice.get("/auth/me").error == "invalid_token"
    assert not User.objects.filter(email="alice@example.com").exists()


def test_the_tier_of_a_new_account_is_lightweight(alice: User) -> None:
    assert alice.tier == Tier.LIGHTWEIGHT
