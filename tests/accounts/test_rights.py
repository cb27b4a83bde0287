"""All of a person's data as JSON, or all of it gone; no model of any app is forgotten."""

import pytest
from django.apps import apps
from django.db import models

from apps.accounts import login, rights, sessions
from apps.accounts.models import Session, SignIn, User, VerificationToken, Visitor
from apps.throttling.models import Counter
from tests.accounts.conftest import PASSWORD, Api

pytestmark = [pytest.mark.database, pytest.mark.django_db]

# Which groups and permissions somebody has goes with the account's own row.
OF_THE_ACCOUNT = {User.groups.through, User.user_permissions.through}


def refers_to_people(model: type[models.Model]) -> bool:
    return any(field.related_model in {User, Visitor} for field in model._meta.get_fields() if field.concrete)


def test_every_model_that_refers_to_people_is_exported_and_erased() -> None:
    kept = {model for model in apps.get_models(include_auto_created=True) if refers_to_people(model)}
    forgotten = kept - rights.covered_models() - OF_THE_ACCOUNT
    assert not forgotten, f"register these with apps.accounts.rights: {forgotten}"


@pytest.fixture
def busy(api: Api, as_alice: Api, alice: User) -> Api:
    """Alice, who has left something in every table."""
    api.post("/auth/login", {"email": alice.email, "password": PASSWORD})
    api.post("/auth/login", {"email": alice.email, "password": f"{PASSWORD}?"})
    api.post("/auth/signup", {"email": alice.email, "consent_data_storage": True})
    visitor = api.post("/auth/visitor", {}).body
    as_alice.post("/auth/migrate-session", {"anon_id": visitor["anon_id"], "visitor_token": visitor["visitor_token"]})
    return as_alice


def test_the_export_has_a_part_for_everything(busy: Api) -> None:
    body = busy.get("/account/export").body
    counted = {name: len(rows) for name, rows in body.items() if isinstance(rows, list)}
    of_accounts = {
        "sessions": 2,
        "visitors": 1,
        "sign_ins": 2,
        "verifications": 1,
        "admin_actions": 0,
        "limits": 2,
    }
    assert of_accounts.items() <= counted.items()


def test_the_export_holds_no_secret(busy: Api) -> None:
    text = str(busy.get("/account/export").body)
    assert "argon2" not in text
    assert "digest" not in text
    assert "jti" not in text


def test_the_deletion_leaves_nothing(busy: Api) -> None:
    assert busy.delete("/account").status == 204
    left = [model.__name__ for model in (User, Session, Visitor, SignIn, VerificationToken) if model.objects.exists()]
    assert left == []
    assert not Counter.objects.filter(subject__contains="alice").exists()


def test_the_deletion_spares_others(busy: Api, as_bob: Api) -> None:
    busy.delete("/account")
    assert as_bob.get("/auth/me").status == 200


def test_the_deletion_ends_access_tokens(busy: Api, alice: User) -> None:
    access = Api(sessions.open_family(alice, user_agent="").access)
    busy.delete("/account")
    assert access.get("/auth/me").error == "token_revoked"


def test_a_visitor_has_no_account_to_delete(as_visitor: Api) -> None:
    assert as_visitor.delete("/account").error == "permission_denied"
    assert as_visitor.get("/account/export").error == "permission_denied"


def test_limits_of_an_address_that_begins_alike_are_spared(alice: User) -> None:
    login.begin("alice@example.com.au", login.Origin())
    rights.erase(alice)
    assert Counter.objects.filter(subject__startswith="alice@example.com.au").count() == 2
