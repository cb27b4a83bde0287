"""Sessions: rotation with overlap, log-out here and everywhere, one's own only."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from apps.accounts import credentials, sessions
from apps.accounts.models import Session, Token, User, Visitor
from chatkit import retention
from tests.accounts.conftest import PASSWORD, Api

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def move_clock(seconds: float) -> None:
    """As if this much time had passed for every credential."""
    by = timedelta(seconds=seconds)
    for model in (Token, Session, Visitor):
        model.objects.update(expires_at=F("expires_at") - by)
    Session.objects.update(created_at=F("created_at") - by)
    credentials.forget()


def test_the_old_token_dies_after_an_overlap_of_30_seconds(as_alice: Api) -> None:
    fresh = Api(as_alice.post("/auth/refresh-token").body["token"])
    assert (as_alice.get("/auth/me").status, fresh.get("/auth/me").status) == (200, 200)
    move_clock(31)
    assert (as_alice.get("/auth/me").error, fresh.get("/auth/me").status) == ("session_expired", 200)


def test_two_tabs_that_refresh_together_both_stay_signed_in(as_alice: Api) -> None:
    tabs = [Api(as_alice.post("/auth/refresh-token").body["token"]) for _ in range(2)]
    move_clock(31)
    assert [tab.get("/auth/me").status for tab in tabs] == [200, 200]


def test_a_refresh_within_the_overlap_does_not_prolong_it(as_alice: Api) -> None:
    as_alice.post("/auth/refresh-token")
    move_clock(20)
    as_alice.post("/auth/refresh-token")
    move_clock(11)
    assert as_alice.get("/auth/me").error == "session_expired"


def test_a_refreshed_session_stays_the_same_session(as_alice: Api, alice_session: Session) -> None:
    fresh = Api(as_alice.post("/auth/refresh-token").body["token"])
    assert fresh.get("/auth/me").body["credential"]["session_id"] == str(alice_session.id)


def test_visitors_and_access_tokens_are_refreshed_elsewhere(as_visitor: Api, api: Api, alice: User) -> None:
    assert as_visitor.post("/auth/refresh-token").error == "permission_denied"
    access = Api(sessions.open_family(alice, user_agent="").access)
    assert access.post("/auth/refresh-token").error == "permission_denied"


def test_log_out_ends_this_session_only(as_alice: Api, alice: User) -> None:
    other = Api(sessions.open_session(alice, user_agent="").raw)
    as_alice.post("/auth/logout", {})
    assert (as_alice.get("/auth/me").error, other.get("/auth/me").status) == ("token_revoked", 200)


def test_log_out_everywhere_ends_sessions_and_access_tokens(as_alice: Api, alice: User) -> None:
    access = Api(sessions.open_family(alice, user_agent="").access)
    as_alice.post("/auth/logout", {"everywhere": True})
    assert [caller.get("/auth/me").error for caller in (as_alice, access)] == ["token_revoked"] * 2


def test_log_out_everywhere_spares_others(as_alice: Api, as_bob: Api) -> None:
    as_alice.post("/auth/logout", {"everywhere": True})
    assert as_bob.get("/auth/me").status == 200


def test_ones_own_session_is_shown(as_alice: Api, alice_session: Session) -> None:
    body = as_alice.get(f"/session/{alice_session.id}").body
    assert body["session_id"] == str(alice_session.id)
    assert (body["tier"], body["user_agent"]) == ("lightweight", "Alice's browser")
    assert set(body) == {"session_id", "tier", "created_at", "last_activity", "expires_at", "user_agent"}


def test_a_visitors_own_session_is_shown(as_visitor: Api) -> None:
    own = Visitor.objects.get().id
    assert as_visitor.get(f"/session/{own}").body["tier"] == "anonymous"


def test_everybody_elses_session_is_404(as_bob: Api, as_visitor: Api, alice_session: Session) -> None:
    strangers = [as_bob.get(f"/session/{alice_session.id}"), as_visitor.get(f"/session/{alice_session.id}")]
    assert [answer.status for answer in strangers] == [404, 404]


@pytest.mark.parametrize(
    "asked", ["0198c0de-0000-4000-8000-000000000000", "nonsense", "0", "%00", "%F0%9F%98%80", "a" * 500]
)
def test_an_unknown_session_is_404(as_alice: Api, asked: str) -> None:
    assert as_alice.get(f"/session/{asked}").status == 404


def test_verification_status(as_alice: Api, as_bob: Api, bob: User, as_visitor: Api) -> None:
    User.objects.filter(id=bob.id).update(email_verified_at=timezone.now())
    asked = [caller.get("/auth/verification-status").body for caller in (as_alice, as_bob, as_visitor)]
    assert asked == [{"verified": False}, {"verified": True}, {"verified": False}]


def test_export_and_deletion_want_a_sign_in_within_the_hour(as_alice: Api) -> None:
    move_clock(3601)
    assert as_alice.get("/account/export").error == "permission_denied"
    assert as_alice.delete("/account").error == "permission_denied"
    assert as_alice.get("/auth/me").status == 200


def test_a_refresh_does_not_make_a_sign_in_fresh(as_alice: Api) -> None:
    move_clock(3601)
    again = Api(as_alice.post("/auth/refresh-token").body["token"])
    assert again.get("/account/export").error == "permission_denied"


def test_pruning_deletes_what_is_over_and_spares_the_rest(as_alice: Api, as_visitor: Api, as_bob: Api) -> None:
    move_clock(31_536_000)
    live = Api(sessions.open_session(User.objects.get(email="bob@example.com"), user_agent="").raw)
    counted = dict(retention.prune(dry_run=True))
    assert (counted["sessions that expired"], counted["visitors who stayed away"]) == (2, 1)
    dict(retention.prune())
    assert (Session.objects.count(), Visitor.objects.count(), Token.objects.count()) == (1, 0, 1)
    assert live.get("/auth/me").status == 200


def test_a_password_change_through_the_model_ends_sessions(as_alice: Api, alice: User) -> None:
    alice.set_password(f"{PASSWORD} changed")
    alice.save()
    assert as_alice.get("/auth/me").error == "token_revoked"
