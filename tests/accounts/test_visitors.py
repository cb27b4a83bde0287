"""Visitors: the same one by their own token only, and their conversations move exactly once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts import visitors
from apps.accounts.models import Token, User, Visitor
from tests.accounts.conftest import Answer, Api
from tests.environment import CANARY

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Visitor, User]]:
    """What an app with conversations would be asked to move; it has seven messages of everybody."""
    asked: list[tuple[Visitor, User]] = []

    def move(visitor: Visitor, user: User) -> int:
        asked.append((visitor, user))
        return 7

    monkeypatch.setattr(visitors, "_movers", [move])
    return asked


def anon_id() -> str:
    return str(Visitor.objects.get().id)


def test_a_visitor_is_made_for_whoever_asks(api: Api) -> None:
    answer = api.post("/auth/visitor", {})
    assert answer.status == 200
    assert set(answer.body) == {"visitor_token", "anon_id", "expires_at"}
    assert answer.headers["RateLimit-Policy"] == '"visitor";q=60;w=60'


def test_the_old_token_brings_the_same_visitor_back(as_visitor: Api) -> None:
    again = as_visitor.post("/auth/visitor", {"anon_id": anon_id()})
    assert again.body["anon_id"] == anon_id()
    assert Api(again.body["visitor_token"]).get("/auth/me").body["anon_id"] == anon_id()


def test_the_old_token_still_works_in_the_other_tab(as_visitor: Api) -> None:
    as_visitor.post("/auth/visitor", {"anon_id": anon_id()})
    assert as_visitor.get("/auth/me").status == 200


def test_an_anon_id_alone_proves_nothing(api: Api, as_visitor: Api) -> None:
    theirs = anon_id()
    assert api.post("/auth/visitor", {"anon_id": theirs}).body["anon_id"] != theirs


def test_another_visitors_token_proves_nothing(api: Api, as_visitor: Api) -> None:
    theirs = anon_id()
    mine = api.post("/auth/visitor", {}).body["visitor_token"]
    assert Api(mine).post("/auth/visitor", {"anon_id": theirs}).body["anon_id"] != theirs


def test_a_token_that_ran_out_still_says_who_came_back(as_visitor: Api) -> None:
    Token.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert as_visitor.post("/auth/visitor", {"anon_id": anon_id()}).body["anon_id"] == anon_id()


def test_a_bad_credential_does_not_keep_a_visitor_out(api: Api) -> None:
    assert api.post("/auth/visitor", {}, Authorization=f"Bearer {CANARY}").status == 200


def test_a_visitor_who_logged_out_is_gone(as_visitor: Api) -> None:
    old = anon_id()
    assert as_visitor.post("/auth/logout", {"everywhere": True}).status == 204
    assert as_visitor.get("/auth/me").error == "token_revoked"
    assert as_visitor.post("/auth/visitor", {"anon_id": old}).body["anon_id"] != old


def migrate(api: Api, visitor: Api, of: str | None = None) -> Answer:
    return api.post("/auth/migrate-session", {"anon_id": of or anon_id(), "visitor_token": visitor.token})


def test_a_visitors_conversations_move_once(
    as_alice: Api, as_visitor: Api, moves: list[tuple[Visitor, User]], alice: User
) -> None:
    assert migrate(as_alice, as_visitor).body == {"migrated_messages": 7}
    assert migrate(as_alice, as_visitor).body == {"migrated_messages": 0}
    assert [(visitor.id, user.id) for visitor, user in moves] == [(Visitor.objects.get().id, alice.id)]


def test_a_visitor_who_moved_is_no_credential_any_more(as_alice: Api, as_visitor: Api) -> None:
    migrate(as_alice, as_visitor)
    assert as_visitor.get("/auth/me").error == "token_revoked"


def test_an_unknown_visitor_is_404(as_alice: Api, as_visitor: Api) -> None:
    assert migrate(as_alice, as_visitor, of=str(uuid4())).status == 404
    assert migrate(as_alice, as_visitor, of="nonsense").status == 404


@pytest.mark.parametrize("proof", [{}, {"visitor_token": None}, {"visitor_token": ""}, {"visitor_token": CANARY}])
def test_without_the_visitors_own_token_it_is_403(as_alice: Api, as_visitor: Api, proof: dict[str, str]) -> None:
    refused = as_alice.post("/auth/migrate-session", {"anon_id": anon_id(), **proof})
    assert (refused.status, refused.error) == (403, "forbidden")


def test_what_somebody_else_claimed_is_a_conflict(as_alice: Api, as_bob: Api, as_visitor: Api) -> None:
    migrate(as_bob, as_visitor)
    assert migrate(as_alice, as_visitor).error == "conflict"


def test_a_visitor_cannot_take_a_visitor_over(as_visitor: Api) -> None:
    assert migrate(as_visitor, as_visitor).error == "permission_denied"


def test_a_move_that_fails_claims_nothing(
    as_alice: Api, as_visitor: Api, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(visitor: Visitor, user: User) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(visitors, "_movers", [fail])
    with pytest.raises(ZeroDivisionError):
        visitors.claim(Visitor.objects.get(), alice)
    assert Visitor.objects.get().claimed_by is None


@pytest.mark.django_db(transaction=True)
def test_of_many_tabs_that_ask_together_one_moves_them(
    as_alice: Api, as_visitor: Api, moves: list[tuple[Visitor, User]]
) -> None:
    body = {"anon_id": anon_id(), "visitor_token": as_visitor.token}

    def ask(_: int) -> Answer:
        try:
            return Api(as_alice.token).post("/auth/migrate-session", body)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as tabs:
        answers = list(tabs.map(ask, range(8)))
    assert sorted(answer.body["migrated_messages"] for answer in answers) == [0] * 7 + [7]
    assert len(moves) == 1
