"""What the server's own events may say: numbers, yes and no, ids and codes. No sentence and no secret fits in."""

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from uuid import UUID

from chatkit.redaction import is_secret_name, redact_text

# One word without spaces or @: no message and no address can be spelled with it.
LONGEST = 128
CODE = re.compile(rf"[\w.:/+-]{{0,{LONGEST}}}", re.ASCII)
UNFIT = re.compile(r"[^\w.:/+-]+", re.ASCII)
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST = 20
Fact = str | int | float | bool | None


class NotAFact(ValueError):
    """Somebody wanted to put into an event what must never be in one."""


def facts(given: Mapping[str, object]) -> dict[str, Fact]:
    """The same as JSON can hold it; refuses the whole where one part is no fact."""
    if len(given) > MOST:
        raise NotAFact(f"An event may say {MOST} things; this one has {len(given)}.")
    return {name: fact(name, value) for name, value in given.items()}


def coded(name: str) -> str:
    """A name that an owner chose, such as a model's, spelled as a code."""
    return UNFIT.sub("_", name)[:LONGEST]


def fact(name: str, value: object) -> Fact:
    if not is_name(name):
        raise NotAFact(f"{name[:40]!r} is no name for a fact.")
    if value is None or (isinstance(value, bool | int | float) and not isinstance(value, Enum)):
        return value
    if isinstance(value, UUID):
        return str(value)
    text = value.value if isinstance(value, Enum) else value
    if not isinstance(text, str) or not is_code(text):
        # The text itself stays out of the message, which is logged.
        raise NotAFact(f"{name} is neither a number nor a code.")
    return text


# Remembered, because the same few names and codes come with every turn, and searching one for secrets takes longer
# than all else that is done with it.
@lru_cache(1_024)
def is_name(name: str) -> bool:
    return NAME.fullmatch(name) is not None and not is_secret_name(name)


@lru_cache(1_024)
def is_code(text: str) -> bool:
    return CODE.fullmatch(text) is not None and redact_text(text) == text
