"""Sign-up and registration: nobody learns who has an account, and nobody gets somebody else's."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.accounts import mail, registration, sessions
from apps.accounts.models import Tier, User, VerificationToken, Visitor
from chatkit.config import Config, RateLimits
from chatkit.values import Rate
from tests.accounts.conftest import PASSWORD, Answer, Api

pytestmark = [pytest.mark.database, pytest.mark.django_db]
CODE = re.compile(r"ckm_[\w-]{43}")


@pytest.fixture(autouse=True)
def generous(settings: Settings) -> None:
    many = Rate(1000, 60)
    settings.CHATKIT = Config(rate_limits=RateLimits(signup=many, verify=many, register=many))


def letters() -> list[str]:
    mail.settle()
    return [str(letter.body) for letter in outbox.outbox]


def code() -> str:
    match = CODE.search(letters()[-1])
    assert match is not None
    return match[0]


def sign_up(api: Api, email: str = "carol@example.com", **more: object) -> Answer:
    return api.post("/auth/signup", {"email": email, "consent_data_storage": True, **more})


def register(api: Api, email: str = "carol@example.com", password: str = PASSWORD) -> Answer:
    return api.post("/auth/register", {"email": email, "password": password, "name": "Carol"})


def shape(answer: Answer) -> object:
    volatile = {"Date", "RateLimit", "X-Request-ID"}
    body = {name: "uuid" if name == "user_id" else value for name, value in answer.body.items()}
    return answer.status, body, sorted(set(answer.headers) - volatile)


def test_sign_up_answers_the_same_for_known_and_unknown_addresses(api: Api, alice: User) -> None:
    assert shape(sign_up(api, alice.email)) == shape(sign_up(api, "nobody@example.com"))


def test_register_answers_the_same_for_known_and_unknown_addresses(api: Api, alice: User) -> None:
    assert shape(register(api, alice.email)) == shape(register(api, "nobody@example.com"))


def test_resend_answers_the_same_for_known_and_unknown_addresses(api: Api, alice: User) -> None:
    known, unknown = (api.post("/auth/resend-verification", {"email": who}) for who in (alice.email, "no@example.com"))
    assert shape(known) == shape(unknown)


def test_log_in_answers_the_same_for_known_and_unknown_addresses(api: Api, alice: User, bob: User) -> None:
    tried = [
        api.post("/auth/login", {"email": who, "password": f"{PASSWORD}!"})
        for who in (alice.email, bob.email, "no@example.com")
    ]
    bodies = [{name: value for name, value in answer.body.items() if name != "request_id"} for answer in tried]
    assert bodies[0] == bodies[1] == bodies[2]
    assert {answer.status for answer in tried} == {401}


def test_the_user_id_for_a_known_address_belongs_to_nobody(api: Api, alice: User) -> None:
    answered = register(api, alice.email).body["user_id"]
    assert not User.objects.filter(id=answered).exists()
    assert "has one already" in letters()[-1]


def test_registering_a_known_address_changes_nothing(api: Api, alice: User) -> None:
    register(api, alice.email, f"{PASSWORD} of a stranger")
    assert api.post("/auth/login", {"email": alice.email, "password": PASSWORD}).status == 200


@pytest.mark.parametrize("spelling", ["ALICE@example.com", "alice@EXAMPLE.COM", " alice@example.com "])
def test_there_is_one_account_an_address_however_it_is_written(api: Api, alice: User, spelling: str) -> None:
    register(api, spelling)
    assert User.objects.count() == 1


def test_an_international_domain_is_one_address_in_any_spelling(api: Api) -> None:
    assert register(api, "anna@Bücher.example").status == 200
    login = {"email": "Anna@xn--bcher-kva.example", "password": PASSWORD}
    assert api.post("/auth/login", login).status == 200


@pytest.mark.django_db(transaction=True)
def test_of_many_registrations_of_one_address_one_makes_the_account() -> None:
    def ask(_: int) -> int:
        try:
            return register(Api()).status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [200] * 4
    assert User.objects.count() == 1


def test_a_code_works_once(api: Api) -> None:
    sign_up(api)
    token = {"token": code()}
    assert api.post("/auth/verify", token).status == 200
    again = api.post("/auth/verify", token)
    assert (again.status, again.error) == (400, "invalid_token")


def test_a_code_expires_after_ten_minutes(api: Api) -> None:
    sign_up(api)
    VerificationToken.objects.update(expires_at=F("expires_at") - timedelta(minutes=10))
    late = api.post("/auth/verify", {"token": code()})
    assert (late.status, late.error) == (400, "token_expired")


def test_a_session_token_is_no_code(api: Api, as_alice: Api) -> None:
    assert api.post("/auth/verify", {"token": as_alice.token}).error == "invalid_token"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_show_one_code_at_once_one_gets_in(api: Api) -> None:
    sign_up(api)
    token = {"token": code()}

    def ask(_: int) -> int:
        try:
            return Api().post("/auth/verify", token).status
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(ask, range(6))) == [200] + [400] * 5


def test_using_one_code_uses_up_the_others(api: Api) -> None:
    sign_up(api)
    first = code()
    sign_up(api)
    assert api.post("/auth/verify", {"token": code()}).status == 200
    assert api.post("/auth/verify", {"token": first}).error == "invalid_token"


def test_the_mail_can_be_had_again_after_its_code_expired(api: Api) -> None:
    sign_up(api)
    VerificationToken.objects.update(expires_at=timezone.now())
    api.post("/auth/resend-verification", {"email": "Carol@example.com"})
    assert api.post("/auth/verify", {"token": code()}).status == 200


def test_a_resend_for_somebody_unknown_mails_nobody(api: Api) -> None:
    api.post("/auth/resend-verification", {"email": "nobody@example.com"})
    assert letters() == []


def test_one_address_is_not_flooded(api: Api) -> None:
    answers = [sign_up(api).status for _ in range(8)]
    assert (set(answers), len(letters())) == ({200}, registration.MOST_OPEN)


def test_the_consent_is_kept(api: Api) -> None:
    sign_up(api)
    api.post("/auth/verify", {"token": code()})
    assert User.objects.get().consented_at is not None


def test_a_password_that_a_stranger_chose_dies_when_the_owner_proves_the_address(api: Api) -> None:
    register(api, "victim@example.com", f"{PASSWORD} of a stranger")
    login = {"email": "victim@example.com", "password": f"{PASSWORD} of a stranger"}
    stranger = Api(api.post("/auth/login", login).body["access_token"])
    sign_up(api, "victim@example.com")
    verified = api.post("/auth/verify", {"token": code()}).body
    assert verified["user"]["tier"] == Tier.LIGHTWEIGHT
    assert stranger.get("/auth/me").error == "token_revoked"
    assert api.post("/auth/login", login).error == "unauthorized"


def test_the_owners_own_password_survives_a_later_sign_in_by_mail(api: Api) -> None:
    register(api)
    api.post("/auth/verify", {"token": code()})
    sign_up(api)
    assert api.post("/auth/verify", {"token": code()}).body["user"]["tier"] == Tier.FULL
    assert api.post("/auth/login", {"email": "carol@example.com", "password": PASSWORD}).status == 200


def test_a_disabled_account_is_not_let_in_by_mail(api: Api, alice: User) -> None:
    sign_up(api, alice.email)
    User.objects.update(is_active=False)
    assert api.post("/auth/verify", {"token": code()}).error == "account_disabled"


def test_premium_stays_premium(api: Api, alice: User) -> None:
    User.objects.update(tier=Tier.PREMIUM)
    sign_up(api, alice.email)
    assert api.post("/auth/verify", {"token": code()}).body["user"]["tier"] == Tier.PREMIUM


def test_signing_up_with_the_visitors_token_brings_the_visitor_along(as_visitor: Api, api: Api) -> None:
    sign_up(as_visitor, migrate_session=True, anon_id=str(Visitor.objects.get().id))
    assert as_visitor.get("/auth/verification-status").body == {"verified": False}
    api.post("/auth/verify", {"token": code()})
    assert Visitor.objects.get().claimed_by == User.objects.get()


def test_signing_up_with_somebody_elses_anon_id_brings_nobody_along(as_visitor: Api, api: Api) -> None:
    sign_up(api, migrate_session=True, anon_id=str(Visitor.objects.get().id))
    api.post("/auth/verify", {"token": code()})
    assert Visitor.objects.get().claimed_by is None


def test_a_visitor_sees_that_the_address_was_confirmed(as_visitor: Api, api: Api) -> None:
    visitor = Visitor.objects.get()
    VerificationToken.objects.create(
        digest="0" * 64, email="carol@example.com", visitor=visitor, expires_at=timezone.now(), used_at=timezone.now()
    )
    assert as_visitor.get("/auth/verification-status").body == {"verified": True}


def test_the_page_confirms_only_when_its_button_is_pressed(api: Api) -> None:
    sign_up(api)
    browser, token = Client(enforce_csrf_checks=True), code()
    page = browser.get("/verify", {"token": token})
    assert token in page.content.decode()
    assert not User.objects.exists()
    form = {"token": token, "csrfmiddlewaretoken": page.context["csrf_token"]}
    assert "Your address is confirmed" in browser.post("/verify", form).content.decode()
    assert User.objects.get().email_verified_at is not None


def test_the_page_says_what_is_wrong_with_a_code() -> None:
    page = Client().post("/verify", {"token": "<script>"})
    assert (page.status_code, "is not valid" in page.content.decode()) == (400, True)


def test_the_page_shows_no_markup_out_of_a_link() -> None:
    assert "<script>" not in Client().get("/verify", {"token": "<script>"}).content.decode()


def test_too_many_sign_ups_from_one_address_are_refused(api: Api, settings: Settings) -> None:
    settings.CHATKIT = Config(rate_limits=RateLimits(signup=Rate(2, 60)))
    sign_up(api)
    api.post("/auth/resend-verification", {"email": "carol@example.com"})
    refused = sign_up(api)
    assert (refused.status, refused.error) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) >= 1


def test_a_session_of_before_survives_verification_of_ones_own_registration(api: Api) -> None:
    register(api)
    carol = User.objects.get()
    own = Api(sessions.open_session(carol, user_agent="").raw)
    api.post("/auth/verify", {"token": code()})
    assert own.get("/auth/me").body["tier"] == Tier.FULL
