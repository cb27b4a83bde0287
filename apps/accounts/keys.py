"""What signs JSON Web Tokens and what may still verify them: the secret key, or key files rotated by `kid`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.conf import settings
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

from chatkit.config import Config, ConfigurationError

SHORTEST_RSA_KEY = 2048
REMEDY = "JWT_KEY_FILES: {name} {problem}; make one with `openssl {recipe}`."
RECIPES = {
    "RS256": "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out jwt.pem",
    "ES256": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out jwt.pem",
}
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Keys:
    """The first key signs; each of them verifies tokens that name it."""

    algorithm: str
    kid: str
    signing: Any
    verifying: Mapping[str, Any]
    published: tuple[Mapping[str, Any], ...]


def current() -> Keys:
    return load(settings.CHATKIT)


@lru_cache(maxsize=4)
def _load(algorithm: str, files: tuple[Path, ...], secret: str) -> Keys:
    if algorithm == "HS256":
        # Derived, so that nothing else the secret key signs can be passed off as a token.
        derived = hashlib.sha256(b"chatkit.jwt\0" + secret.encode()).digest()
        return Keys(algorithm, "hs256", derived, {"hs256": derived}, ())
    if not files:
        raise ConfigurationError([f"JWT_KEY_FILES: missing; make one with `openssl {RECIPES[algorithm]}`."])
    pairs = [read(path, algorithm) for path in files]
    if pairs[0][0] is None:
        raise ConfigurationError([refusal(files[0], algorithm, "comes first and so must be a private key")])
    jwks = [jwk(public, algorithm) for _, public in pairs]
    verifying = {found["kid"]: public for found, (_, public) in zip(jwks, pairs, strict=True)}
    return Keys(algorithm, jwks[0]["kid"], pairs[0][0], verifying, tuple(jwks))


def load(config: Config) -> Keys:
    return _load(config.jwt_algorithm, tuple(config.jwt_key_files), config.signing_key)


def refusal(path: Path, algorithm: str, problem: str) -> str:
    return REMEDY.format(name=path.name, problem=problem, recipe=RECIPES[algorithm])


def read(path: Path, algorithm: str) -> tuple[Any, Public]:
    """The private key, where the file holds one, and the public key."""
    try:
        content = path.read_bytes()
        private = load_pem_private_key(content, None) if b"PRIVATE" in content else None
        public = private.public_key() if private else load_pem_public_key(content)
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigurationError([refusal(path, algorithm, "cannot be read as an unencrypted PEM key")]) from exc
    if algorithm == "RS256" and isinstance(public, rsa.RSAPublicKey) and public.key_size >= SHORTEST_RSA_KEY:
        return private, public
    if (
        algorithm == "ES256"
        and isinstance(public, ec.EllipticCurvePublicKey)
        and isinstance(public.curve, ec.SECP256R1)
    ):
        return private, public
    raise ConfigurationError([refusal(path, algorithm, f"is not a key for {algorithm}")])


def jwk(public: Public, algorithm: str) -> dict[str, Any]:
    """The public key as others read it, named by its RFC 7638 thumbprint."""
    if isinstance(public, rsa.RSAPublicKey):
        members = RSAAlgorithm.to_jwk(public, as_dict=True)
        essential = {name: members[name] for name in ("e", "kty", "n")}
    else:
        members = ECAlgorithm.to_jwk(public, as_dict=True)
        essential = {name: members[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(essential, separators=(",", ":"), sort_keys=True).encode()
    kid = base64url_encode(hashlib.sha256(canonical).digest()).decode()
    return {**essential, "kid": kid, "alg": algorithm, "use": "sig"}
