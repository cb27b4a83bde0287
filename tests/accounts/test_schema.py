"""What the OpenAPI document says is what the server does: schemathesis tries every operation of accounts."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as search
from schemathesis import Case, GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi

from tests.environment import CANARY
from tests.live import LiveServer

PERSON = {"email": "tried@example.com", "password": f"{CANARY} horse battery", "name": "Tried"}
LIMITS = ("SIGNUP", "VERIFY", "REGISTER", "VISITOR", "LOGIN_FAILURES", "LOGIN_FAILURES_ACCOUNT")
OPERATIONS = [
    ("POST", "/auth/visitor"),
    ("POST", "/auth/signup"),
    ("POST", "/auth/verify"),
    ("POST", "/auth/collect"),
    ("POST", "/auth/resend-verification"),
    ("GET", "/auth/session-check"),
    ("GET", "/auth/verification-status"),
    ("POST", "/auth/refresh-token"),
    ("POST", "/auth/migrate-session"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/register"),
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("GET", "/auth/me"),
    ("GET", "/protected"),
    ("GET", "/session/{session_id}"),
    ("GET", "/account/export"),
    ("DELETE", "/account"),
]
CHECKS: list[Any] = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.negative_data_rejection,
    openapi.ignored_auth,
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    none = {f"RATE_LIMITS__{name}": "none" for name in LIMITS}
    with LiveServer(tmp_path_factory.mktemp("schema"), EMAIL_URL="dummy://", **none) as started:
        yield started


@pytest.fixture(scope="module")
def document(server: LiveServer) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/api/schema")


@pytest.fixture
def token(server: LiveServer) -> str:
    """A person's, new for each operation: some of them end it."""
    with httpx.Client(base_url=f"{server.url}/api/v1/auth", timeout=30) as client:
        client.post("/register", json=PERSON)
        raw: str = client.post("/login", json=PERSON).json()["access_token"]
        return raw


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_server_keeps_to_its_document(
    document: Any, token: str, method: str, path: str, mode: GenerationMode
) -> None:
    @search(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(case=document[f"/api/v1{path}"][method].as_strategy(generation_mode=mode))
    def attempt(case: Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS, timeout=30)

    attempt()


def test_every_route_is_in_the_document(server: LiveServer) -> None:
    paths = httpx.get(f"{server.url}/api/schema", timeout=30).json()["paths"]
    described = {path for path, operations in paths.items() if "accounts" in next(iter(operations.values()))["tags"]}
    assert described == {f"/api/v1{path}" for _, path in OPERATIONS}
