"""Where an attempt came from, as the history of sign-ins keeps it."""

from dataclasses import dataclass

from django.http import HttpRequest

from apps.accounts.models import LONGEST_USER_AGENT
from chatkit.network import parse


@dataclass(frozen=True, slots=True)
class Origin:
    address: str | None = None
    user_agent: str = ""


def origin_of(request: HttpRequest) -> Origin:
    address = parse(request.META.get("REMOTE_ADDR", ""))
    return Origin(str(address) if address else None, printable(request.headers.get("User-Agent", "")))


def printable(user_agent: str) -> str:
    """A header may hold any byte; PostgreSQL and the admin may not."""
    return "".join(letter for letter in user_agent if letter.isprintable())[:LONGEST_USER_AGENT]
