"""No secret reaches a log: by the name it goes under, and by its shape."""

import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit.config import Config
from chatkit.logging import get_logger, logging_config
from chatkit.redaction import HIDDEN, redact, redact_text

SECRET = "s3cr3t-canary-0123456789abcdef"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization=Basic {SECRET}",
        f"/ws?session_token={SECRET}&x=1",
        f"GET /verify?token={SECRET} HTTP/1.1",
        f'{{"password": "{SECRET}", "email": "a@b.c"}}',
        f"{{'refresh_token': '{SECRET}'}}",
        f"postgres://chatkit:{SECRET}@db:5432/chatkit failed",
        f"api_key={SECRET}",
        f"Cookie: chatkit_admin={SECRET}",
        f"ANTHROPIC_API_KEY={SECRET}",
        f"sk-ant-{SECRET}",
        f"cks_{SECRET}",
        f"ckv_{SECRET}",
        f"jwt.{SECRET}",
    ],
)
def test_a_secret_in_a_text_is_hidden(text: str) -> None:
    assert SECRET not in redact_text(text)
    assert HIDDEN in redact_text(text)


def test_a_json_web_token_is_hidden_wherever_it_stands() -> None:
    cleaned = redact_text(f"saw {JWT} in jwt.{JWT} and {JWT[:40]}")
    assert "eyJ" not in cleaned


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "session_token", "api_key", "X-API-Key", "cookie", "SECRET_KEY"]
)
def test_a_secret_name_hides_its_value_however_deep(name: str) -> None:
    assert SECRET not in json.dumps(redact({"request": [{"headers": {name: SECRET}}]}))


@pytest.mark.parametrize(
    "text", ["tokens_used=40", "path=/api/v1/auth/login", "token expired", "the secret of good tea"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact_text(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_can_be_redacted(value: object) -> None:
    redact(value)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_redaction_is_stable(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


def test_exceptions_are_redacted_too() -> None:
    formatter = formatter_of("json")
    try:
        raise ValueError(f"connection to postgres://user:{SECRET}@host failed, Bearer {SECRET}")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed with %s", (f"token={SECRET}",), sys.exc_info())
    line = formatter.format(record)
    assert SECRET not in line
    assert "Traceback" in json.loads(line)["exception"]


def formatter_of(log_format: str) -> logging.Formatter:
    settings = logging_config(Config(log_format=log_format))  # type: ignore[arg-type]
    options = settings["formatters"]["structured"]
    formatter: logging.Formatter = options.pop("()")(**options)
    return formatter


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_the_product_own_lines_are_redacted(log_format: str, caplog: pytest.LogCaptureFixture) -> None:
    get_logger("chatkit.test").error("happened", session_token=SECRET, detail={"url": f"https://a:{SECRET}@b"})
    line = formatter_of(log_format).format(caplog.records[-1])
    assert SECRET not in line
    assert "happened" in line
