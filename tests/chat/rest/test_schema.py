"""What the OpenAPI document says is what the server does: schemathesis tries every operation around conversations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as search
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks as openapi

from tests.environment import CANARY
from tests.live import LiveServer

PERSON = {"email": "tried@example.com", "password": f"{CANARY} horse battery", "name": "Tried"}
LIMITS = ("REGISTER", "LOGIN_FAILURES", "LOGIN_FAILURES_ACCOUNT", "CHAT_LIGHTWEIGHT", "SAVE_CHAT", "PERSONALIZE")
TAGS = ("conversations", "saved chats", "personalization")
CHECKS: list[Any] = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.ignored_auth,
]
OPERATIONS = [
    ("/conversations", "get"),
    ("/conversations/{conversation_id}", "get"),
    ("/conversations/{conversation_id}", "patch"),
    ("/conversations/{conversation_id}", "delete"),
    ("/conversations/{conversation_id}/messages", "get"),
    ("/conversations/{conversation_id}/export", "get"),
    ("/messages/{message_id}/feedback", "post"),
    ("/chat/save", "post"),
    ("/chat/saved", "get"),
    ("/chat/saved/{chat_id}", "get"),
    ("/chat/saved/{chat_id}", "delete"),
    ("/user/personalize", "post"),
]


@dataclass(frozen=True)
class Tried:
    """Somebody with a conversation and a saved chat, for each operation anew: some of them delete these."""

    token: str
    ids: dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    none = {f"RATE_LIMITS__{name}": "none" for name in LIMITS}
    with LiveServer(tmp_path_factory.mktemp("schema"), EMAIL_URL="dummy://", **none) as started:
        yield started


@pytest.fixture(scope="module")
def document(server: LiveServer) -> Any:
    loaded: Any = schemathesis.openapi.from_url(f"{server.url}/api/schema")
    return loaded


@pytest.fixture
def tried(server: LiveServer) -> Tried:
    with httpx.Client(base_url=f"{server.url}/api/v1", timeout=30) as client:
        client.post("/auth/register", json=PERSON)
        token: str = client.post("/auth/login", json=PERSON).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        asked = client.post("/chat", json={"message": "How do I embed the widget?"}).raise_for_status().json()
        saved = client.post("/chat/save", json={"conversation_id": asked["conversation_id"]}).raise_for_status().json()
    return Tried(token, {**asked, **saved})


def has_wrong_body(case: Case) -> bool:
    """Unknown query parameters are let pass, and the credential is always there: only bodies must be refused."""
    body = None if case.meta is None else case.meta.components.get(ParameterLocation.BODY)
    return body is not None and body.mode.is_negative


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda value: value)
def test_the_server_keeps_to_its_document(
    document: Any, tried: Tried, path: str, method: str, mode: GenerationMode
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
    def call(case: Case) -> None:
        if mode.is_positive:
            # What is there, so that more than refusals are tried.
            case.path_parameters = {name: tried.ids[name] for name in case.path_parameters or {}}
        expected = [*CHECKS, openapi.negative_data_rejection] if has_wrong_body(case) else CHECKS
        case.call_and_validate(headers={"Authorization": f"Bearer {tried.token}"}, checks=expected, timeout=30)

    call()


def test_every_route_is_in_the_document(server: LiveServer) -> None:
    paths = httpx.get(f"{server.url}/api/schema", timeout=30).json()["paths"]
    described = {
        (path.removeprefix("/api/v1"), method)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if set(operation["tags"]) & set(TAGS)
    }
    assert described == set(OPERATIONS)
