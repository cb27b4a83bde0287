"""Opaque tokens: 256 random bits under a prefix that logs can redact by its shape. Only the digest is ever stored."""

import hashlib
import secrets
from typing import Final

from django.conf import settings

SESSION: Final = "cks_"
VISITOR: Final = "ckv_"
VERIFICATION: Final = "ckm_"

# Documented values of integration test mode: worth nothing anywhere else, whatever the database holds.
FIXTURE_SESSION = "integration-test-session-token-12345"
FIXTURE_VERIFICATION = "integration-test-verification-token-67890"
FIXTURES = (FIXTURE_SESSION, FIXTURE_VERIFICATION)


def mint(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def digest(raw: str) -> str:
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def is_credential(raw: str) -> bool:
    """Whether it is worth a look into the database."""
    return raw.startswith((SESSION, VISITOR)) or is_fixture(raw)


def is_verification(raw: str) -> bool:
    return raw.startswith(VERIFICATION) or is_fixture(raw)


def is_fixture(raw: str) -> bool:
    return raw in FIXTURES and settings.CHATKIT.integration_test_mode
