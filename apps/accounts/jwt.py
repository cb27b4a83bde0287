"""JSON Web Tokens for API clients, signed and checked through simplejwt. One algorithm, and no token chooses it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import Token

from apps.accounts import keys
from apps.accounts.models import Session
from chatkit.errors import Unauthorized

AUDIENCE = "chatkit"


class Unreadable(Unauthorized):
    """Not a token of this server, of this kind, for this use."""

    code = "invalid_token"
    sentence = "This token is not valid. Please sign in again."


class Expired(Unauthorized):
    code = "token_expired"
    sentence = "This token has expired. Please sign in again."


class Backend(TokenBackend):
    """simplejwt's, with `kid`: the key is chosen among ours, never taken from the token."""

    def __init__(self, held: keys.Keys, issuer: str) -> None:
        super().__init__(held.algorithm, audience=AUDIENCE, issuer=issuer)
        self.held = held

    def encode(self, payload: dict[str, Any]) -> str:
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(claims, self.held.signing, algorithm=self.algorithm, headers={"kid": self.held.kid})

    def get_verifying_key(self, token: Any) -> Any:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, RecursionError, ValueError) as exc:
            raise TokenBackendError("unreadable header") from exc
        key = self.held.verifying.get(str(header.get("kid")))
        if key is None:
            raise TokenBackendError("unknown key")
        return key


class SignedToken(Token):
    @property
    def token_backend(self) -> TokenBackend:
        return Backend(keys.current(), settings.CHATKIT.base_url)


class AccessToken(SignedToken):
    token_type = "access"  # noqa: S105
    lifetime = timedelta(minutes=15)


class RefreshToken(SignedToken):
    token_type = "refresh"  # noqa: S105
    lifetime = timedelta(days=14)


class Pair:
    """What a client gets at log-in and at each refresh."""

    def __init__(self, session: Session, *, refresh_jti: str) -> None:
        config = settings.CHATKIT
        self.expires_in: int = config.access_token_ttl
        self.access = sign(AccessToken(), session, config.access_token_ttl)
        refresh = RefreshToken()
        refresh["jti"] = refresh_jti
        self.refresh = sign(refresh, session, config.refresh_token_ttl)


def sign(token: SignedToken, session: Session, seconds: int) -> str:
    token["sub"] = str(session.user_id)
    token["sid"] = str(session.id)
    token.set_exp(lifetime=timedelta(seconds=seconds))
    return str(token)


class Claims:
    """A token that this server signed for the use at hand and that is still good by its own words."""

    def __init__(self, payload: dict[str, Any]) -> None:
        try:
            self.session_id = UUID(payload["sid"])
            self.user_id = UUID(payload["sub"])
            self.jti = str(payload["jti"])
            self.expires_at = datetime.fromtimestamp(payload["exp"], UTC)
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as exc:
            raise Unreadable from exc


def read(raw: str, kind: type[SignedToken]) -> Claims:
    try:
        return Claims(kind(raw).payload)  # type: ignore[arg-type]  # simplejwt says Token and means text
    except ExpiredTokenError as exc:
        raise Expired from exc
    except (TokenError, RecursionError) as exc:
        raise Unreadable from exc


def looks_like(raw: str) -> bool:
    return raw.count(".") == 2
