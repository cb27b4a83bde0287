"""Carriers of a credential in a WebSocket's handshake, and what is echoed."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts import handshake, tokens
from apps.accounts.handshake import Handshake
from tests.environment import CANARY

SESSION = tokens.SESSION + f"{CANARY}-".ljust(43, "A")
OTHER = tokens.SESSION + f"{CANARY}-".ljust(43, "B")
JWT = f"eyJhbGciOiJIUzI1NiJ9.{CANARY.replace('.', '')}.signature"


def coded(raw: str) -> str:
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read(
    *offers: str, authorization: str | None = None, query: str = "", accepts_query_token: bool = True
) -> Handshake:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    scope: dict[str, Any] = {"headers": headers, "subprotocols": list(offers), "query_string": query.encode()}
    return handshake.read(scope, accepts_query_token=accepts_query_token)


@pytest.mark.parametrize("raw", [SESSION, JWT, tokens.FIXTURE_SESSION])
@pytest.mark.parametrize(
    ("template", "echoed"),
    [
        (("jwt-auth", "jwt.{coded}"), "jwt-auth"),
        (("jwt.{coded}", "jwt-auth"), "jwt-auth"),
        (("jwt-auth", "jwt.{raw}"), "jwt-auth"),
        (("jwt.{coded}",), "jwt.{coded}"),
        (("jwt.{raw}",), "jwt.{raw}"),
        (("jwt-auth.{coded}",), "jwt-auth.{coded}"),
        (("jwt-auth.{raw}",), "jwt-auth.{raw}"),
        (("bearer.{coded}",), "bearer.{coded}"),
        (("bearer.{raw}",), "bearer.{raw}"),
        (("chat", "bearer.{raw}"), "bearer.{raw}"),
    ],
)
def test_a_subprotocol_carries_any_credential(raw: str, template: tuple[str, ...], echoed: str) -> None:
    offers = [part.format(raw=raw, coded=coded(raw)) for part in template]
    assert read(*offers) == Handshake(raw, echoed.format(raw=raw, coded=coded(raw)))


def test_the_header_carries_a_credential() -> None:
    assert read(authorization=f"Bearer {SESSION}") == Handshake(SESSION)


def test_nothing_is_nothing() -> None:
    assert read() == Handshake()


def test_the_marker_alone_is_echoed_and_carries_nothing() -> None:
    assert read("jwt-auth") == Handshake(subprotocol="jwt-auth")


def test_a_protocol_that_is_not_ours_is_not_echoed() -> None:
    assert read("graphql-ws") == Handshake()


def test_the_query_counts_only_where_it_is_allowed() -> None:
    assert read(query=f"session_token={SESSION}").credential == SESSION
    assert read(query=f"session_token={SESSION}", accepts_query_token=False).credential is None


def test_the_same_credential_in_several_carriers_is_one() -> None:
    found = read(
        "jwt-auth", f"jwt.{coded(SESSION)}", authorization=f"Bearer {SESSION}", query=f"session_token={SESSION}"
    )
    assert (found.credential, found.error) == (SESSION, None)


@pytest.mark.parametrize(
    "carriers",
    [
        {"offers": [f"jwt.{SESSION}"], "authorization": f"Bearer {OTHER}"},
        {"offers": [f"jwt.{SESSION}", f"jwt.{OTHER}"]},
        {"offers": [], "authorization": f"Bearer {SESSION}", "query": f"session_token={OTHER}"},
        {"offers": [], "query": f"session_token={SESSION}&session_token={OTHER}"},
    ],
)
def test_two_different_credentials_are_refused(carriers: dict[str, Any]) -> None:
    found = read(*carriers.pop("offers"), **carriers)
    assert found.credential is None
    assert found.error is not None
    assert found.error.code == "invalid_token"


def test_two_authorization_headers_must_agree() -> None:
    headers = [(b"authorization", f"Bearer {raw}".encode()) for raw in (SESSION, OTHER)]
    found = handshake.read({"headers": headers}, accepts_query_token=False)
    assert found.error is not None


@pytest.mark.parametrize("offer", ["jwt.", "bearer.", "jwt-auth.", "jwt." + "A" * 9000])
def test_an_unreadable_offer_is_refused_and_still_echoed(offer: str) -> None:
    found = read(offer)
    assert found.error is not None
    assert (found.error.code, found.subprotocol) == ("invalid_token", offer)


def test_a_header_that_is_no_bearer_is_refused() -> None:
    found = read(authorization="Basic YWJj")
    assert found.error is not None


@given(
    offers=st.lists(st.text(max_size=60) | st.text(max_size=60).map("jwt.".__add__), max_size=4),
    header=st.none() | st.binary(max_size=60),
    query=st.binary(max_size=80),
)
def test_nothing_a_client_sends_raises_or_gets_an_echo_it_did_not_offer(
    offers: list[str], header: bytes | None, query: bytes
) -> None:
    scope = {
        "headers": [] if header is None else [(b"authorization", header)],
        "subprotocols": offers,
        "query_string": query,
    }
    found = handshake.read(scope, accepts_query_token=True)
    assert found.subprotocol is None or found.subprotocol in offers
    assert found.credential is None or found.error is None


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300))
def test_every_printable_credential_survives_base64url(raw: str) -> None:
    assert read("jwt-auth", f"jwt.{coded(raw)}").credential in {raw, coded(raw)}
