"""The admin over accounts: everything can be looked at, the right things revoked, and no token is anywhere."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import registration, sessions
from apps.accounts.models import Session, SignIn, Tier, User, VerificationToken, Visitor
from tests.accounts.conftest import PASSWORD, Api
from tests.environment import CANARY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unhashed_files")]
MODELS = ("user", "session", "visitor", "verificationtoken", "signin")


@pytest.fixture
def owner(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("owner@example.com", PASSWORD))
    return client


@pytest.fixture
def everything(api: Api, as_alice: Api, as_visitor: Api, alice: User) -> None:
    registration.sign_up("carol@example.com", visitor=Visitor.objects.get())
    api.post("/auth/login", {"email": alice.email, "password": PASSWORD})


def first_row(model: str) -> Any:
    return apps.get_model("accounts", model)._default_manager.first()


def act(owner: Client, model: str, action: str, *keys: object) -> str:
    form = {"action": action, "_selected_action": [str(key) for key in keys]}
    return owner.post(f"/admin/accounts/{model}/", form, follow=True).content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_row_can_be_looked_at(owner: Client, everything: None, model: str) -> None:
    row = first_row(model)
    assert owner.get(f"/admin/accounts/{model}/?q=example").status_code == 200
    page = owner.get(f"/admin/accounts/{model}/{row.pk}/change/").content.decode()
    assert getattr(row, "digest", "no digest") not in page


@pytest.mark.parametrize("model", ["session", "visitor", "signin", "verificationtoken"])
def test_what_the_system_writes_is_read_only(owner: Client, everything: None, model: str) -> None:
    assert owner.get(f"/admin/accounts/{model}/add/").status_code == 403
    row = first_row(model)
    assert owner.post(f"/admin/accounts/{model}/{row.pk}/change/", {}).status_code == 403
    assert owner.post(f"/admin/accounts/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_a_list_asks_no_more_for_more_rows(owner: Client, model: str) -> None:
    def fill(letter: str) -> None:
        user = User.objects.create(email=f"{letter}@example.com")
        sessions.open_session(user, user_agent="")
        visitor = Visitor.objects.create(expires_at=Session.objects.all()[0].expires_at, claimed_by=user)
        VerificationToken.objects.create(
            digest=letter, email=user.email, visitor=visitor, expires_at=visitor.expires_at
        )
        SignIn.objects.create(user=user, email=user.email, method="email", outcome="failed")

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            owner.get(f"/admin/accounts/{model}/")
        return len(queries)

    fill("a")
    few = count()
    for letter in "bcdef":
        fill(letter)
    assert count() == few


def test_a_revoked_session_is_refused(owner: Client, as_alice: Api) -> None:
    assert "Revoked 1 session." in act(owner, "session", "revoke", Session.objects.get().pk)
    assert as_alice.get("/auth/me").error == "token_revoked"


def test_a_revoked_visitor_is_refused(owner: Client, as_visitor: Api) -> None:
    act(owner, "visitor", "revoke", Visitor.objects.get().pk)
    assert as_visitor.get("/auth/me").error == "token_revoked"


def test_a_disabled_user_is_refused_and_an_enabled_one_is_not(owner: Client, as_alice: Api, alice: User) -> None:
    act(owner, "user", "disable", alice.pk)
    assert as_alice.get("/auth/me").error == "account_disabled"
    act(owner, "user", "enable", alice.pk)
    assert as_alice.get("/auth/me").status == 200


def test_nobody_disables_themselves(owner: Client) -> None:
    act(owner, "user", "disable", User.objects.get().pk)
    assert User.objects.get().is_active


def test_a_user_signed_out_is_signed_out_everywhere(owner: Client, as_alice: Api, alice: User) -> None:
    assert "Ended 1 session." in act(owner, "user", "sign_out", alice.pk)
    assert as_alice.get("/auth/me").error == "token_revoked"


def test_a_user_can_be_deleted_with_all_that_is_kept(owner: Client, everything: None, alice: User) -> None:
    owner.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not SignIn.objects.filter(email=alice.email).exists()


def test_several_users_can_be_deleted(owner: Client, alice: User, bob: User) -> None:
    form = {"action": "delete_selected", "_selected_action": [str(alice.pk), str(bob.pk)], "post": "yes"}
    owner.post("/admin/accounts/user/", form)
    assert User.objects.count() == 1


def test_the_tier_of_a_user_can_be_changed(owner: Client, as_alice: Api, alice: User) -> None:
    page = owner.get(f"/admin/accounts/user/{alice.pk}/change/").context["adminform"].form
    form = {name: value for name, value in page.initial.items() if value not in (None, False) and name != "password"}
    owner.post(f"/admin/accounts/user/{alice.pk}/change/", {**form, "groups": [], "tier": "premium"})
    alice.refresh_from_db()
    assert (alice.tier, as_alice.get("/auth/me").body["tier"]) == (Tier.PREMIUM, "premium")


def test_a_user_can_be_added(owner: Client) -> None:
    password = f"{CANARY}-of-erin"
    form = {"email": "Erin@example.com", "usable_password": "true", "password1": password, "password2": password}
    owner.post("/admin/accounts/user/add/", form)
    assert User.objects.get(email="erin@example.com").check_password(password)


def test_who_may_only_look_may_not_revoke(as_alice: Api, alice: User) -> None:
    viewer = User.objects.create_user("viewer@example.com", PASSWORD, is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_session", content_type__app_label="accounts"))
    client = Client()
    client.force_login(viewer)
    act(client, "session", "revoke", Session.objects.get().pk)
    assert as_alice.get("/auth/me").status == 200
