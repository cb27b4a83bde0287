"""One resolver: a raw credential becomes a principal, or is refused by name."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.accounts import credentials, fixtures, rights, sessions, tokens, visitors
from apps.accounts.models import Session, Tier, Token, User, Visitor
from chatkit.config import Config
from chatkit.errors import Unauthorized
from chatkit.ledger import ledger
from tests.accounts.conftest import PASSWORD, Api
from tests.environment import CANARY

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def refusal(raw: str) -> str:
    with pytest.raises(Unauthorized) as refused:
        credentials.resolve(raw)
    return refused.value.code


def test_a_session_token_stands_for_its_person(as_alice: Api, alice: User) -> None:
    principal = credentials.resolve(as_alice.token or "")
    assert (principal.kind, principal.user_id, principal.subject) == ("session", alice.id, f"user:{alice.id}")


def test_a_visitor_token_stands_for_a_visitor(as_visitor: Api) -> None:
    principal = credentials.resolve(as_visitor.token or "")
    assert (principal.kind, principal.tier, principal.user_id) == ("visitor", Tier.ANONYMOUS, None)
    assert principal.subject == f"visitor:{Visitor.objects.get().id}"


@pytest.mark.parametrize("kind", ["session", "visitor"])
def test_the_database_holds_the_digest_and_never_the_token(request: pytest.FixtureRequest, kind: str) -> None:
    raw = request.getfixturevalue("as_alice" if kind == "session" else "as_visitor").token
    assert len(raw.partition("_")[2]) == 43
    assert Token.objects.get().digest == tokens.digest(raw)


def test_a_made_up_token_is_invalid(db: None) -> None:
    assert refusal(tokens.mint(tokens.SESSION)) == "invalid_token"
    assert refusal(f"{CANARY}-nothing") == "invalid_token"
    assert refusal("x" * 10_000) == "invalid_token"


def test_an_expired_session_says_so(as_alice: Api) -> None:
    Token.objects.update(expires_at=timezone.now())
    assert refusal(as_alice.token or "") == "session_expired"


def test_an_expired_visitor_token_says_so(as_visitor: Api) -> None:
    Token.objects.update(expires_at=timezone.now())
    assert refusal(as_visitor.token or "") == "token_expired"


def test_a_credential_is_not_remembered_past_its_own_end(as_alice: Api) -> None:
    Token.objects.update(expires_at=timezone.now() + timedelta(milliseconds=200))
    credentials.resolve(as_alice.token or "")
    while Token.objects.filter(expires_at__gt=timezone.now()).exists():
        pass
    assert refusal(as_alice.token or "") == "session_expired"


def test_what_is_remembered_asks_nothing_of_the_database(as_alice: Api) -> None:
    credentials.resolve(as_alice.token or "")
    with CaptureQueriesContext(connection) as queries:
        credentials.resolve(as_alice.token or "")
    assert len(queries) == 0


def test_a_look_up_is_one_query(as_alice: Api) -> None:
    with CaptureQueriesContext(connection) as queries:
        credentials.resolve(as_alice.token or "")
    assert len(queries) == 1


def disable(alice: User) -> None:
    alice.is_active = False
    alice.save(update_fields=["is_active"])


def change_password(alice: User) -> None:
    alice.set_password(f"{PASSWORD} 2")
    alice.save()


def log_out_everywhere(alice: User) -> None:
    sessions.log_out(
        credentials.Principal(
            credentials.Kind.SESSION, Tier.LIGHTWEIGHT, timezone.now(), alice.id, session_id=alice.sessions.get().id
        ),
        everywhere=True,
    )


def delete(alice: User) -> None:
    rights.erase(alice)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (disable, "account_disabled"),
        (change_password, "token_revoked"),
        (log_out_everywhere, "token_revoked"),
        (delete, "invalid_token"),
    ],
)
def test_what_ends_a_credential_is_felt_at_once(
    as_alice: Api, alice: User, event: Callable[[User], None], code: str
) -> None:
    credentials.resolve(as_alice.token or "")
    event(alice)
    assert refusal(as_alice.token or "") == code


def test_a_change_of_tier_is_felt_at_once(as_alice: Api, alice: User) -> None:
    assert credentials.resolve(as_alice.token or "").tier == Tier.LIGHTWEIGHT
    alice.tier = Tier.PREMIUM
    alice.save()
    assert credentials.resolve(as_alice.token or "").tier == Tier.PREMIUM


def test_a_change_of_roles_is_felt_at_once(as_alice: Api, alice: User) -> None:
    assert credentials.resolve(as_alice.token or "").roles == ("user",)
    editors = Group.objects.create(name="editors")
    editors.permissions.add(Permission.objects.get(codename="view_session", content_type__app_label="accounts"))
    alice.groups.add(editors)
    principal = credentials.resolve(as_alice.token or "")
    assert (principal.roles, principal.permissions) == (("user", "editors"), ("accounts.view_session",))


def test_a_look_up_that_a_revocation_overtook_is_not_remembered(as_alice: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    real = credentials.look_up

    def slow(raw: str) -> credentials.Principal:
        found = real(raw)
        as_alice.post("/auth/logout")
        return found

    raw = as_alice.token or ""
    as_alice.token = sessions.refresh_token(real(raw), raw).raw
    monkeypatch.setattr(credentials, "look_up", slow)
    credentials.resolve(raw)
    monkeypatch.setattr(credentials, "look_up", real)
    assert refusal(raw) == "token_revoked"


@pytest.mark.django_db(transaction=True)
def test_last_activity_is_written_once_a_minute_and_without_waiting(as_alice: Api, open_ledger: None) -> None:
    long_ago = timezone.now() - timedelta(minutes=2)
    Session.objects.update(last_activity=long_ago)
    for _ in range(3):
        credentials.look_up(as_alice.token or "")
    async_to_sync(ledger.write)()
    assert Session.objects.get().last_activity > long_ago + timedelta(minutes=1)


def test_the_fixtures_are_worth_nothing_outside_integration_test_mode(api: Api, settings: Settings) -> None:
    settings.CHATKIT = Config(integration_test_mode=True)
    fixtures.seed()
    assert credentials.resolve(tokens.FIXTURE_SESSION).email == fixtures.EMAIL
    settings.CHATKIT = Config()
    credentials.forget()
    assert refusal(tokens.FIXTURE_SESSION) == "invalid_token"
    assert api.post("/auth/verify", {"token": tokens.FIXTURE_VERIFICATION}).error == "invalid_token"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YWJj", "Token abc", "bearer\tx", "Bearer a b"])
def test_an_unreadable_authorization_header_is_an_invalid_token(api: Api, header: str) -> None:
    assert api.get("/auth/me", Authorization=header).error == "invalid_token"


def test_no_header_is_no_token(api: Api) -> None:
    answer = api.get("/auth/session-check")
    assert (answer.status, answer.error, answer.headers["WWW-Authenticate"]) == (401, "no_token", "Bearer")


def test_the_scheme_may_be_written_in_any_case(as_alice: Api) -> None:
    assert as_alice.get("/auth/me", Authorization=f"bearer  {as_alice.token}").status == 200


@pytest.mark.django_db(transaction=True)
async def test_event_loops_resolve_the_same_way() -> None:
    entered = await sync_to_async(visitors.enter)(anon_id=None, presented=None, user_agent="")
    principal = await credentials.resolve_async(entered.issued.raw)
    assert principal.visitor_id == entered.visitor.id


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda junk: junk.decode("latin-1")))
def test_no_text_whatever_does_more_than_be_refused(raw: str) -> None:
    with pytest.raises(Unauthorized):
        credentials.look_up(raw if not raw.startswith(("cks_", "ckv_")) else "")


@given(st.none() | st.text(max_size=100))
def test_no_header_whatever_does_more_than_be_refused(header: str | None) -> None:
    with suppress(credentials.NoToken, credentials.InvalidToken):
        assert credentials.bearer(header)


def test_as_json_leaves_out_what_there_is_not(as_visitor: Api) -> None:
    body: dict[str, Any] = credentials.resolve(as_visitor.token or "").as_json()
    assert "session_id" not in body["credential"]
