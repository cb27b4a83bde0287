"""Whatever a client sends, the answer is one clear error and never a 500."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st
from pytest_django import Settings

from apps.accounts.models import User
from chatkit.config import Config, RateLimits
from chatkit.values import Rate
from tests.accounts.conftest import PASSWORD, Answer, Api
from tests.environment import CANARY

pytestmark = [pytest.mark.database, pytest.mark.django_db]

GOOD: dict[str, dict[str, Any]] = {
    "/auth/visitor": {"anon_id": "anybody"},
    "/auth/signup": {"email": "a@example.com", "consent_data_storage": True, "migrate_session": False, "anon_id": "x"},
    "/auth/verify": {"token": f"ckm_{CANARY}"},
    "/auth/resend-verification": {"email": "a@example.com"},
    "/auth/register": {"email": "a@example.com", "password": PASSWORD, "name": "Anna"},
    "/auth/login": {"email": "a@example.com", "password": PASSWORD},
    "/auth/refresh": {"refresh_token": CANARY},
    "/auth/migrate-session": {"anon_id": "anybody", "visitor_token": f"ckv_{CANARY}"},
    "/auth/logout": {"everywhere": False},
}
FIELDS = [(path, field) for path, body in GOOD.items() for field in body]
OPTIONAL_BODY = {"/auth/visitor", "/auth/logout"}
SHAPE = {"error", "message", "status_code", "detail", "request_id"}


@pytest.fixture(autouse=True)
def no_limits(settings: Settings) -> None:
    none = Rate(None, 60)
    names = ("login_failures", "login_failures_account", "signup", "verify", "visitor")
    settings.CHATKIT = Config(rate_limits=RateLimits(register=none, **dict.fromkeys(names, none)))


def assert_one_clear_error(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses, answer.body
    assert set(answer.body) == SHAPE
    assert answer.body["status_code"] == answer.status
    assert answer.body["message"].endswith(".")


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("body", [b"[]", b"7", b"true", b'"text"', b"null", b"[{}]"])
def test_a_body_that_is_no_object(as_alice: Api, path: str, body: bytes) -> None:
    assert_one_clear_error(as_alice.call("POST", path, body), 422)


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe{}", b'{"a": NaN}', b'{"\xed\xa0\x80": 1}', b'{"a": "\\ud800"}'])
def test_a_body_that_is_no_json(as_alice: Api, path: str, body: bytes) -> None:
    answer = as_alice.call("POST", path, body)
    assert_one_clear_error(answer, 400)
    assert answer.error == "invalid_json"


@pytest.mark.parametrize("path", sorted(set(GOOD) - OPTIONAL_BODY))
@pytest.mark.parametrize("body", [b"", b"{}"])
def test_no_body(as_alice: Api, path: str, body: bytes) -> None:
    assert_one_clear_error(as_alice.call("POST", path, body), 422)


@pytest.mark.parametrize("path", sorted(OPTIONAL_BODY))
@pytest.mark.parametrize("body", [b"", b"{}"])
def test_no_body_where_none_is_needed(as_visitor: Api, path: str, body: bytes) -> None:
    assert as_visitor.call("POST", path, body).status in {200, 204}


@pytest.mark.parametrize(("path", "field"), FIELDS)
@pytest.mark.parametrize(
    "value", [7, 1.5, [], ["x"], {}, {"x": 1}, "a\0b", "x" * 100_000], ids=lambda value: str(value)[:8]
)
def test_a_value_of_the_wrong_kind_names_its_field(as_alice: Api, path: str, field: str, value: object) -> None:
    answer = as_alice.post(path, {**GOOD[path], field: value})
    assert_one_clear_error(answer, 422)
    assert list(answer.body["detail"]["fields"]) == [field]


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_null_and_missing_are_never_a_500(as_alice: Api, path: str, field: str) -> None:
    body = GOOD[path]
    without = {name: value for name, value in body.items() if name != field}
    assert {as_alice.post(path, sent).status // 100 for sent in ({**body, field: None}, without)} <= {2, 4}


@pytest.mark.parametrize("path", ["/auth/signup", "/auth/register", "/auth/login", "/auth/resend-verification"])
@pytest.mark.parametrize(
    "email",
    [
        "",
        " ",
        "@",
        "a@",
        "@example.com",
        "a b@example.com",
        "a@b@example.com",
        "a@example",
        "a@-example.com",
        "a@exa\u202emple.com",
        "\u202ea@example.com",
        "<script>@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@" + "x" * 250 + ".com",
        "a" * 65 + "@" + "b" * 200 + ".com",
        "ä@example.com",
        "a@exam\u200bple.com",
    ],
)
def test_a_malformed_address_is_an_invalid_email(api: Api, path: str, email: str) -> None:
    answer = api.post(path, {**GOOD[path], "email": email})
    assert_one_clear_error(answer, 422)
    assert answer.error == "invalid_email"


@pytest.mark.parametrize("consent", [False, None, 1, "true", "yes"])
def test_consent_is_nothing_but_true(api: Api, consent: object) -> None:
    answer = api.post("/auth/signup", {"email": "a@example.com", "consent_data_storage": consent})
    assert answer.status == 422
    assert answer.error in {"consent_required", "invalid_request"}


def test_a_missing_consent_is_asked_for(api: Api) -> None:
    assert api.post("/auth/signup", {"email": "a@example.com"}).error == "consent_required"


@pytest.mark.parametrize(
    "name", ["<b>Anna</b>", "<script>alert(1)</script>", "Anna\u202eannA", "An\nna", "An\x1bna", "", "  ", "x" * 201]
)
def test_a_name_with_markup_or_tricks_is_refused(api: Api, name: str) -> None:
    answer = api.post("/auth/register", {**GOOD["/auth/register"], "name": name})
    assert_one_clear_error(answer, 422)
    assert list(answer.body["detail"]["fields"]) == ["name"]


@pytest.mark.parametrize("name", ["Anna", "José María", "李小龍", "Ναταλία", "O'Neil & Sons", "محمد", "नीलम"])
def test_a_name_is_stored_as_it_was_written(api: Api, name: str) -> None:
    api.post("/auth/register", {**GOOD["/auth/register"], "name": name})
    assert User.objects.get().name == name


@pytest.mark.parametrize("password", ["short", "1234567", "password", "1234567890", "a@example.com", "x" * 129, ""])
def test_a_weak_or_over_long_password_is_refused(api: Api, password: str) -> None:
    answer = api.post("/auth/register", {**GOOD["/auth/register"], "password": password})
    assert_one_clear_error(answer, 422)
    assert list(answer.body["detail"]["fields"]) == ["password"]


@pytest.mark.parametrize("password", [f"{CANARY}-".ljust(128, "x"), f" {CANARY} ", f"{CANARY} пароль 🔑"])
def test_a_password_of_128_characters_or_of_any_letters_works(api: Api, password: str) -> None:
    person = {**GOOD["/auth/register"], "password": password}
    assert api.post("/auth/register", person).status == 200
    assert api.post("/auth/login", {"email": person["email"], "password": password}).status == 200
    assert api.post("/auth/login", {"email": person["email"], "password": password.strip() + "x"}).status in {401, 422}


def test_another_media_type_is_refused(api: Api) -> None:
    answer = api.client.post("/api/v1/auth/login", {"email": "a@example.com"})
    assert (answer.status_code, answer.json()["error"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/auth/me", "/auth/login", "/auth/session-check", "/account"])
def test_a_wrong_method_is_405_and_names_the_right_ones(as_alice: Api, path: str) -> None:
    answer = as_alice.call("PUT", path)
    assert_one_clear_error(answer, 405)
    assert answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/auth/me", "/protected", "/auth/session-check", "/account/export", "/session/1"])
def test_every_call_needs_a_credential(api: Api, path: str) -> None:
    answer = api.get(path)
    assert_one_clear_error(answer, 401)
    assert answer.error == "no_token"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted({field for body in GOOD.values() for field in body})


@search(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(sorted(set(GOOD) - {"/auth/logout"})), body=st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_body_whatever_is_a_500(as_alice: Api, path: str, body: dict[str, Any]) -> None:
    try:
        answer = as_alice.post(path, body)
    except UnicodeEncodeError:
        return
    assert answer.status in {200, 400, 401, 403, 404, 422}


@search(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(sorted(GOOD)), body=st.binary(max_size=200))
def test_no_bytes_whatever_are_a_500(as_alice: Api, path: str, body: bytes) -> None:
    assert as_alice.call("POST", path, body).status in {200, 204, 400, 401, 422}
