"""What must never reach a log: secrets recognised by the name they go under and by their shape."""

import re
from collections.abc import Mapping, Sequence

HIDDEN = "[redacted]"

SECRET_NAMES = re.compile(
    r"(?i)^(?:.*[_-])?(?:authorization|token|jwt|password\d?|passwd|secret|secret_key|api[_-]?key|access_key|cookie|"
    r"set-cookie|session_?key|sessionid|csrftoken|dsn|database_url|redis_url|email_url|signature|"
    r"sec-websocket-protocol)$"
)
SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A JSON Web Token, whole or cut after its header.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"), HIDDEN),
    # ChatKit's own opaque tokens, and the fixtures of integration test mode.
    (re.compile(r"\bck[a-z]{1,2}_[A-Za-z0-9_-]{20,}"), HIDDEN),
    (re.compile(r"\bintegration-test-[a-z]+-token-\d+"), HIDDEN),
    # Keys of model providers.
    (re.compile(r"\b(?:sk|rk|pk)-[A-Za-z0-9_-]{8,}"), HIDDEN),
    (re.compile(r"\bAKIA[A-Z0-9]{12,}"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)\b((?:jwt|bearer|jwt-auth)\.)[A-Za-z0-9_.-]{8,}"), rf"\1{HIDDEN}"),
    # The password in a URL.
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@"), rf"\1:{HIDDEN}@"),
    # name=value and "name": "value" wherever they stand in a text: queries, forms, JSON.
    (
        re.compile(
            r"(?i)([\"']?[\w-]*(?:token|password\d?|passwd|secret|secret_key|api[_-]?key|signature|authorization|cookie)"
            r"[\"']?\s*[=:]\s*[\"']?)(?!\[redacted\])[^\s\"'&,;}]+"
        ),
        rf"\1{HIDDEN}",
    ),
)


def redact_text(text: str) -> str:
    for pattern, replacement in SHAPES:
        text = pattern.sub(replacement, text)
    return text


def redact(value: object) -> object:
    """The same value with every secret replaced, however deep it stands."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {key: HIDDEN if is_secret_name(key) else redact(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [redact(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(str(value))


def is_secret_name(name: object) -> bool:
    return isinstance(name, str) and SECRET_NAMES.match(name) is not None
