"""How often: the table of every limit, and the one statement that counts and refuses."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.http import HttpRequest

from apps.throttling.models import Counter
from apps.throttling.signals import limit_reached
from chatkit import metrics
from chatkit.config import Config, source_of
from chatkit.errors import ChatKitError
from chatkit.statements import first_row
from chatkit.values import Rate

Per = Literal["principal", "address", "e-mail", "e-mail and address"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One row of the table: what is limited, for whom, and how much in production and in integration test mode."""

    name: str
    action: str
    per: Per
    production: Rate
    testing: Rate
    sentence: str


def limit(name: str, action: str, per: Per, production: str, testing: str, sentence: str) -> Limit:
    return Limit(name, action, per, Rate.parse(production), Rate.parse(testing), sentence)


TABLE: tuple[Limit, ...] = (
    limit("chat_anonymous", "chat", "principal", "10/60", "3/10", "You have asked many questions."),
    limit("chat_lightweight", "chat", "principal", "30/60", "3/10", "You have asked many questions."),
    limit("chat_full", "chat", "principal", "100/60", "3/10", "You have asked many questions."),
    limit("save_chat", "save_chat", "principal", "5/60", "2/10", "Too many saved chats."),
    limit("personalize", "personalize", "principal", "3/60", "2/10", "Too many requests for recommendations."),
    limit("login_failures", "login_failures", "e-mail and address", "10/900", "10/60", "Too many failed log-ins."),
    limit(
        "login_failures_account", "login_failures_account", "e-mail", "50/3600", "100/60", "Too many failed log-ins."
    ),
    limit("register", "register", "address", "20/3600", "200/10", "Too many new accounts from this address."),
    limit("signup", "signup", "address", "10/3600", "200/10", "Too many sign-ups from this address."),
    limit("verify", "verify", "address", "30/3600", "200/10", "Too many verifications from this address."),
    limit("visitor", "visitor", "address", "60/60", "600/10", "Too many new visitors from this address."),
    limit("analytics", "analytics", "address", "120/60", "600/10", "Too many events from this address."),
)
LIMITS = {row.name: row for row in TABLE}


def rate_of(name: str) -> Rate:
    """The rate in force: what the owner set, else the column of the table that the mode asks for."""
    config: Config = settings.CHATKIT
    chosen = config.rate_limits.get(name)
    if chosen is not None:
        return chosen
    return LIMITS[name].testing if config.integration_test_mode else LIMITS[name].production


def origin_of(name: str) -> str:
    """Where the rate in force was decided, in words for the owner."""
    given = source_of(f"RATE_LIMITS__{name.upper()}")
    return given or ("integration test mode" if settings.CHATKIT.integration_test_mode else "default")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller may still do in the window that runs, or that it may not."""

    action: str
    rate: Rate
    is_allowed: bool
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """IETF RateLimit fields; without a limit there is nothing to announce."""
        if self.rate.count is None:
            return {}
        return {
            "RateLimit-Policy": f'"{self.action}";q={self.rate.count};w={self.rate.seconds}',
            "RateLimit": f'"{self.action}";r={self.remaining};t={self.reset_seconds}',
        }


class RateLimited(ChatKitError):
    code = "rate_limited"
    status = 429

    def __init__(self, allowance: Allowance, sentence: str) -> None:
        self.allowance = allowance
        wait = allowance.reset_seconds
        super().__init__(
            f"{sentence} Try again in {wait} second{'' if wait == 1 else 's'}.",
            detail={
                "error": self.code,
                "retry_after": wait,
                "limit": allowance.rate.count,
                "window": allowance.rate.seconds,
            },
            headers={"Retry-After": str(wait), **allowance.headers},
        )


# One statement counts and refuses. It asks the database's own clock, so that machines whose clocks disagree still
# share one window; `excluded.started_at` is that clock, read once. A refused caller writes nothing.
CLOCK = {
    "sqlite": {
        "now": "STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')",
        "end": "STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW', '+' || %s || ' seconds')",
        "left": "(JULIANDAY(expires_at) - JULIANDAY('NOW')) * 86400.0",
    },
    "postgresql": {
        "now": "CLOCK_TIMESTAMP()",
        "end": "CLOCK_TIMESTAMP() + MAKE_INTERVAL(secs => %s)",
        "left": "EXTRACT(EPOCH FROM expires_at - CLOCK_TIMESTAMP())::float8",
    },
}
CONSUME = """
    INSERT INTO throttling_counter (action, subject, count, maximum, started_at, expires_at)
    VALUES (%s, %s, 1, %s, {now}, {end})
    ON CONFLICT (action, subject) DO UPDATE SET
        count = CASE WHEN throttling_counter.expires_at <= excluded.started_at
            THEN 1 ELSE throttling_counter.count + 1 END,
        started_at = CASE WHEN throttling_counter.expires_at <= excluded.started_at
            THEN excluded.started_at ELSE throttling_counter.started_at END,
        expires_at = CASE WHEN throttling_counter.expires_at <= excluded.started_at
            THEN excluded.expires_at ELSE throttling_counter.expires_at END,
        maximum = excluded.maximum
    WHERE throttling_counter.expires_at <= excluded.started_at OR throttling_counter.count < excluded.maximum
    RETURNING count, {left}
"""
LOOK = "SELECT count, {left} FROM throttling_counter WHERE action = %s AND subject = %s"


@cache
def statement(template: str, vendor: str) -> str:
    return " ".join(template.format(**CLOCK[vendor]).split())


def ask(template: str, *parameters: str | int) -> tuple[int, float] | None:
    """The count and the seconds left, or None where no row answered."""
    return first_row(statement(template, connection.vendor), *parameters)


def whole_seconds(left: float) -> int:
    """At least one, and never so few that calling again after them is refused; the clocks tell milliseconds."""
    return max(1, math.ceil(round(left, 3)))


def consume(subject: str, name: str) -> Allowance:
    """Counts one call and says whether it may go on. Call it outside a transaction: a roll-back would forget it."""
    rate, action = rate_of(name), LIMITS[name].action
    if rate.count is None:
        return Allowance(action, rate, is_allowed=True, remaining=0, reset_seconds=0)
    row = ask(CONSUME, action, subject, rate.count, rate.seconds)
    allowance = counted(action, rate, row) if row else status(subject, name)
    # A window that ended between the two statements has room again.
    if row is None and allowance.is_allowed:
        return consume(subject, name)
    note(subject, allowance)
    return allowance


def note(subject: str, allowance: Allowance) -> None:
    metrics.limit_decision(allowance.action, "allowed" if allowance.is_allowed else "refused").inc()
    if not allowance.is_allowed:
        limit_reached.send_robust(sender=None, allowance=allowance, subject=subject)


def counted(action: str, rate: Rate, row: tuple[int, float]) -> Allowance:
    count, left = row
    remaining = max(0, (rate.count or 0) - count)
    return Allowance(action, rate, is_allowed=True, remaining=remaining, reset_seconds=whole_seconds(left))


def status(subject: str, name: str) -> Allowance:
    """What is left, without counting. `is_allowed` tells whether the next call would be let through."""
    rate, action = rate_of(name), LIMITS[name].action
    row = ask(LOOK, action, subject)
    if rate.count is None or row is None or row[1] <= 0:
        return Allowance(action, rate, is_allowed=True, remaining=rate.count or 0, reset_seconds=rate.seconds)
    count, left = row
    return Allowance(action, rate, count < rate.count, max(0, rate.count - count), whole_seconds(left))


def require(subject: str, name: str) -> Allowance:
    """`consume`, and the refusal as an exception."""
    allowance = consume(subject, name)
    if not allowance.is_allowed:
        raise RateLimited(allowance, LIMITS[name].sentence)
    return allowance


def give_back(subject: str, name: str) -> None:
    """Takes one counted call back, for actions that only count when they fail."""
    running = Counter.objects.filter(action=LIMITS[name].action, subject=subject, count__gt=0)
    running.update(count=F("count") - 1)


def reset(subject: str, action: str) -> None:
    """The caller's next call begins a window anew."""
    Counter.objects.filter(action=action, subject=subject).delete()


def announce(request: HttpRequest, allowance: Allowance) -> None:
    """Leaves the header values on the request; a middleware puts them on the response, whatever it becomes."""
    announced = request.__dict__.setdefault("limit_headers", {})
    for header, value in allowance.headers.items():
        announced[header] = f"{announced[header]}, {value}" if header in announced else value
