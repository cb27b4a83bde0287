"""What settings hold, checked where it is read: rates, origins, addresses. Each refusal says what would be right."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import ClassVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import dj_database_url


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` calls in `seconds`; no count means no limit."""

    count: int | None
    seconds: int

    PATTERN: ClassVar[re.Pattern[str]] = re.compile(r"([1-9]\d{0,8})/([1-9]\d{0,7})")

    @classmethod
    def parse(cls, text: object) -> "Rate":
        if isinstance(text, Rate):
            return text
        if text == "none":
            return cls(count=None, seconds=60)
        match = cls.PATTERN.fullmatch(str(text))
        if match is None:
            raise ValueError("use count/seconds, for example 5/60, or none")
        return cls(count=int(match[1]), seconds=int(match[2]))

    def __str__(self) -> str:
        return "none" if self.count is None else f"{self.count}/{self.seconds}"


def split_commas(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def check_origin(value: str) -> str:
    if value == "*":
        raise ValueError("* would let every site in; list the origins, for example https://www.example.com")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or value != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f"{value!r} is not an origin; use scheme://host[:port] without a path")
    return value.lower()


def check_base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("use an address such as https://chat.example.com")
    return value.rstrip("/")


def check_database_url(value: str) -> str:
    hint = "use postgres://user:password@host:5432/name or sqlite:////absolute/path.sqlite3"
    try:
        parsed = dj_database_url.parse(value)
    except Exception as exc:  # the parser raises whatever its parts raise, and any of it quotes the password
        raise ValueError(f"malformed; {hint}") from exc
    engine, name = str(parsed.get("ENGINE")), str(parsed.get("NAME") or "")
    if not engine.endswith((".sqlite3", ".postgresql")) or not name or name == ":memory:":
        raise ValueError(f"malformed; {hint}")
    if engine.endswith(".postgresql") and not parsed.get("HOST"):
        raise ValueError(f"malformed, it names no host; {hint}")
    return value


def check_redis_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss", "valkey", "valkeys", "unix"} or not (parts.hostname or parts.path):
        raise ValueError("malformed; use redis://[:password@]host:6379/0")
    return re.sub(r"^valkey", "redis", value)


def check_network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value), strict=False)
    except ValueError as exc:
        raise ValueError(f"{value!r} is not an address or network; use 10.0.0.1 or 10.0.0.0/8") from exc


def check_time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is no time zone; use a name such as Europe/Berlin or UTC")
    return value


def check_email_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "smtps", "console", "dummy", "file"}:
        raise ValueError("malformed; use smtp://user:password@host:587, smtps://…:465, console:// or dummy://")
    if parts.scheme.startswith("smtp") and not parts.hostname:
        raise ValueError("malformed, it names no host; use smtp://user:password@host:587")
    return value


def check_name(value: str) -> str:
    """Names of models and regions become parts of addresses and log lines."""
    if not re.fullmatch(r"[\w./:@+-]*", value, re.ASCII):
        raise ValueError("use letters, digits and any of . / : @ + - _")
    return value


def check_key(value: object) -> object:
    """A stray line break or quotation mark would be refused by the provider, long after the start."""
    if value == "":
        return None
    if isinstance(value, str) and not re.fullmatch(r"[!#-&(-~]+", value):
        raise ValueError("must be printable ASCII without spaces and quotation marks; copy the key again")
    return value
