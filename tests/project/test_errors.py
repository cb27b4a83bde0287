"""However a view fails, the answer has one shape and holds no internals."""

from typing import Any

import pytest
from django.test import AsyncClient, Client

from chatkit import errors
from chatkit.api import field_errors
from tests.project.failing_urls import SECRET_DETAIL

pytestmark = pytest.mark.urls("tests.project.failing_urls")
LETTER = "/api/letter"

EXPECTED = {
    "own": (409, "conflict"),
    "missing": (404, "not_found"),
    "denied": (403, "permission_denied"),
    "suspicious": (400, "invalid_request"),
    "database": (503, "database_unavailable"),
    "defect": (500, "internal_error"),
}


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def assert_shaped(response: Any, status: int, code: str) -> None:
    body = response.json()
    assert (response.status_code, body["status_code"], body["error"]) == (status, status, code)
    assert set(body) == {"error", "message", "status_code", "detail", "request_id"}
    assert body["request_id"] == response["X-Request-ID"]
    assert SECRET_DETAIL not in response.content.decode()


@pytest.mark.parametrize("how", EXPECTED)
@pytest.mark.parametrize("is_debug", [False, True])
def test_a_plain_view_that_fails(client: Client, how: str, is_debug: bool, settings: Any) -> None:
    settings.DEBUG = is_debug
    assert_shaped(client.get(f"/api/plain/{how}"), *EXPECTED[how])


@pytest.mark.parametrize("how", EXPECTED)
def test_an_api_view_that_fails(client: Client, how: str) -> None:
    assert_shaped(client.post(f"/api/rest/{how}", {}, "application/json"), *EXPECTED[how])


@pytest.mark.parametrize("how", EXPECTED)
async def test_an_async_view_that_fails(how: str) -> None:
    client = AsyncClient(raise_request_exception=False)
    assert_shaped(await client.get(f"/api/async/{how}"), *EXPECTED[how])


@pytest.mark.parametrize("how", EXPECTED)
def test_a_page_that_fails_is_a_small_page(client: Client, how: str) -> None:
    response = client.get(f"/page/{how}")
    assert response.status_code == EXPECTED[how][0]
    assert response["Content-Type"].startswith("text/html")
    assert response["X-Request-ID"] in response.content.decode()
    assert SECRET_DETAIL not in response.content.decode()


def test_an_error_keeps_its_message_and_detail(client: Client) -> None:
    body = client.get("/api/plain/own").json()
    assert (body["message"], body["detail"]) == ("This title is taken.", {"title": "taken"})


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b" ",
        b"nope",
        b"\xff\xfe{}",
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b"{} {}",
        b"'single'",
    ],
)
def test_a_body_that_is_not_json(client: Client, body: bytes) -> None:
    response = client.post(LETTER, body, "application/json")
    # No body at all is an empty object, whose fields are missing.
    assert_shaped(response, *((422, "invalid_request") if body == b"" else (400, "invalid_json")))


@pytest.mark.parametrize("body", ["[]", "1", "null", '"text"', "true"])
def test_json_that_is_no_object(client: Client, body: str) -> None:
    assert_shaped(client.post(LETTER, body, "application/json"), 422, "invalid_request")


def test_errors_of_fields_are_named_by_their_path(client: Client) -> None:
    body = {"email": "nobody", "context": {"mode": "fly"}, "tags": [1, "two"]}
    fields = client.post(LETTER, body, "application/json").json()["detail"]["fields"]
    assert set(fields) == {"email", "context.mode", "tags.1"}
    assert fields["email"] == ["Enter a valid email address."]


def test_another_media_type_is_refused(client: Client) -> None:
    assert_shaped(client.post(LETTER, "<a/>", "text/xml"), 415, "unsupported_media_type")


def test_a_body_past_the_api_s_bound_is_refused(client: Client) -> None:
    body = b'{"email": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    assert_shaped(client.post(LETTER, body, "application/json"), 413, "payload_too_large")


def test_a_wrong_method_names_the_right_ones(client: Client) -> None:
    response = client.put(LETTER, "{}", "application/json")
    assert_shaped(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST, OPTIONS"


def test_a_401_says_how_to_authenticate() -> None:
    assert errors.Unauthorized().headers == {"WWW-Authenticate": "Bearer"}


def test_nested_field_errors_flatten() -> None:
    nested = {"items": [{}, {"role": ["Pick one."]}], "non_field_errors": ["No."]}
    assert field_errors(nested) == {"items[1].role": ["Pick one."], "non_field_errors": ["No."]}


@pytest.mark.parametrize("error", list(errors.BY_STATUS.values()))
def test_each_error_has_a_sentence(error: type[errors.ChatKitError]) -> None:
    assert error().message.endswith(".")
