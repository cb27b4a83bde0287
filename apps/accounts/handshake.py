"""What an ASGI scope presents as a credential, and which subprotocol to answer with. Pure functions, no database.

A browser cannot read a failed handshake, so nothing is raised here: a refusal comes along with the subprotocol that
lets the socket be accepted and told.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from apps.accounts.credentials import LONGEST_CREDENTIAL, InvalidToken, bearer
from chatkit.errors import ChatKitError

MARKER = "jwt-auth"
PREFIXES = ("jwt.", "jwt-auth.", "bearer.")
# An opaque token of ours, or a JSON Web Token: what needs no decoding.
RAW_SHAPE = re.compile(r"ck[a-z]{1,2}_[A-Za-z0-9_-]+|eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
PRINTABLE = re.compile(r"[!-~]+")
# Past this a header is not worth reading; base64 makes a third more of the longest credential.
LONGEST_OFFER = LONGEST_CREDENTIAL * 4 // 3 + 64


@dataclass(frozen=True, slots=True)
class Handshake:
    """At most one credential, what to echo, and what was wrong."""

    credential: str | None = None
    subprotocol: str | None = None
    error: ChatKitError | None = None


def read(scope: Mapping[str, Any], *, accepts_query_token: bool) -> Handshake:
    offers = [offer for offer in scope.get("subprotocols") or () if isinstance(offer, str)]
    carriers = [offer for offer in offers if offer.lower().startswith(PREFIXES)]
    subprotocol = echo(offers, carriers)
    try:
        found = {*from_headers(scope), *map(from_offer, carriers)}
        if accepts_query_token:
            found.update(from_query(scope.get("query_string", b"")))
    except ChatKitError as refusal:
        return Handshake(subprotocol=subprotocol, error=refusal)
    if len(found) > 1:
        return Handshake(subprotocol=subprotocol, error=InvalidToken("Present one credential, not several."))
    return Handshake(credential=next(iter(found), None), subprotocol=subprotocol)


def echo(offers: list[str], carriers: list[str]) -> str | None:
    """`jwt-auth` where it was offered, else the offer that carried the credential; never one that nobody offered."""
    return MARKER if MARKER in offers else next(iter(carriers), None)


def from_headers(scope: Mapping[str, Any]) -> Iterable[str]:
    for name, value in scope.get("headers", ()):
        if name.lower() == b"authorization":
            yield bearer(value.decode("latin-1"))


def from_offer(offer: str) -> str:
    payload = offer.partition(".")[2]
    if not payload or len(offer) > LONGEST_OFFER:
        raise InvalidToken
    return payload if RAW_SHAPE.fullmatch(payload) else decoded(payload) or payload


def decoded(payload: str) -> str | None:
    """The text behind base64url without padding; None where it is none."""
    try:
        text = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return text if PRINTABLE.fullmatch(text) else None


def from_query(query: bytes) -> Iterable[str]:
    try:
        return parse_qs(query.decode("latin-1"), max_num_fields=100).get("session_token", [])
    except ValueError as exc:
        raise InvalidToken from exc
