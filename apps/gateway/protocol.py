"""What a model provider is asked and what it says, whichever it is."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, fields, replace
from typing import Literal, Protocol

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Said:
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """A question with all that a model may use to answer it; the last message is the visitor's."""

    instructions: str
    messages: tuple[Said, ...]
    most_tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What the provider counted so far; None where it has not said. No token is counted under two names."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    stop_reason: str = ""

    def updated(self, later: "Usage") -> "Usage":
        """What was said later counts; what it does not mention stays."""
        told = {field.name: getattr(later, field.name) for field in fields(Usage)}
        return replace(self, **{name: value for name, value in told.items() if value not in {None, ""}})

    @property
    def total(self) -> int:
        counted = (self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_write_tokens)
        return sum(count or 0 for count in counted)


Pieces = AsyncGenerator[Delta | Usage]


class Provider(Protocol):
    """One a process. What goes wrong is a `failures.Failure`, and nothing else."""

    name: str
    model: str

    def stream(self, request: Request) -> Pieces:
        """The answer piece by piece, and what was counted as soon as it is said; closing it ends the connection."""

    async def warm(self) -> None:
        """Opens a connection, so that the first visitor need not wait for it."""

    async def close(self) -> None: ...
