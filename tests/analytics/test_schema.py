"""What the OpenAPI document says is what the server does: schemathesis tries every operation of analytics."""

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
from tests.live import LiveServer, run_manage

PERSON = {"email": "staff@example.com", "password": f"{CANARY} horse battery"}
OPERATIONS = [
    ("POST", "/analytics/event"),
    ("POST", "/analytics/events"),
    ("GET", "/analytics/summary"),
    ("GET", "/analytics/export"),
]
CHECKS: list[Any] = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
]
OF_BODIES = [openapi.negative_data_rejection, openapi.positive_data_acceptance]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    none = {"RATE_LIMITS__ANALYTICS": "none", "RATE_LIMITS__VISITOR": "none"}
    with LiveServer(tmp_path_factory.mktemp("schema"), **none) as started:
        yield started


@pytest.fixture(scope="module")
def document(server: LiveServer) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/api/schema")


@pytest.fixture(scope="module")
def token(server: LiveServer) -> str:
    """One of staff: the others are refused most of it."""
    environment = {**server.settings, "DJANGO_SUPERUSER_PASSWORD": PERSON["password"]}
    made = run_manage("createsuperuser", "--noinput", "--email", PERSON["email"], environment=environment)
    assert made.returncode == 0, made.stderr
    raw: str = httpx.post(f"{server.url}/api/v1/auth/login", json=PERSON, timeout=30).json()["access_token"]
    return raw


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_server_keeps_to_its_document(
    document: Any, token: str, method: str, path: str, mode: GenerationMode
) -> None:
    @search(
        max_examples=10,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=document[f"/api/v1{path}"][method].as_strategy(generation_mode=mode))
    def attempt(case: Case) -> None:
        # A period may be well-formed and to come; unknown parameters are let pass.
        expected = [*CHECKS, *OF_BODIES] if method == "POST" else CHECKS
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=expected, timeout=30)

    attempt()


def test_every_route_is_in_the_document(server: LiveServer) -> None:
    paths = httpx.get(f"{server.url}/api/schema", timeout=30).json()["paths"]
    described = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "analytics" in operation["tags"]
    }
    assert described == set(OPERATIONS)
