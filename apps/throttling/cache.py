"""django-ratelimit's counters, kept in the table of every other limit: atomic, shared, readable in the admin."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection
from django.utils import timezone

from apps.throttling.models import Counter
from chatkit.statements import exists, first_row

# django-ratelimit joins group, rate, key and end of the window, and then asks for a digest. Ours is the text itself.
RATELIMIT_KEY = re.compile(r"rl:(?P<action>[a-z_]+?)(?P<count>\d+)/(?P<seconds>\d+)s\|(?P<subject>.+)\|(?P<end>\d+)")
FAR_FUTURE = timedelta(days=3650)


class ReadableDigest:
    """Looks like a hash to django-ratelimit, and keeps the key legible for the owner."""

    def __init__(self, material: bytes) -> None:
        self.material = material

    def hexdigest(self) -> str:
        return self.material.decode()


def plain_key(key: str, _prefix: str, _version: int) -> str:
    return key


@dataclass(frozen=True, slots=True)
class Window:
    """Which row a cache key means, and until when."""

    action: str
    subject: str
    maximum: int | None
    started_at: datetime
    expires_at: datetime


def window_of(key: str, timeout: float | None) -> Window:
    match = RATELIMIT_KEY.fullmatch(key)
    now = timezone.now()
    if match is None:
        return Window("cache", key, None, now, now + (FAR_FUTURE if timeout is None else timedelta(seconds=timeout)))
    # django-ratelimit's window runs to the end of this second; its `timeout` only adds slack.
    end = datetime.fromtimestamp(int(match["end"]) + 1, UTC)
    start = end - timedelta(seconds=int(match["seconds"]))
    return Window(match["action"], match["subject"], int(match["count"]), start, end)


# A row of an earlier window is taken over; a row of this window stays, and nothing is returned.
ADD = """
    INSERT INTO throttling_counter (action, subject, count, maximum, started_at, expires_at)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (action, subject) DO UPDATE SET
        count = excluded.count, maximum = excluded.maximum,
        started_at = excluded.started_at, expires_at = excluded.expires_at
    WHERE throttling_counter.expires_at <= excluded.started_at OR %s
    RETURNING count
"""
INCREMENT = """
    UPDATE throttling_counter SET count = count + %s
    WHERE action = %s AND subject = %s AND expires_at > %s RETURNING count
"""


class CounterCache(BaseCache):
    """A Django cache of whole numbers with truly atomic `add` and `incr`."""

    def __init__(self, _location: str, params: Mapping[str, Any]) -> None:
        super().__init__(dict(params))

    def seconds(self, timeout: float | None) -> float | None:
        return self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout

    def write(self, key: str, value: int, timeout: float | None, *, replace: bool) -> bool:
        window = window_of(self.make_and_validate_key(key), self.seconds(timeout))
        values = [window.action, window.subject, value, window.maximum, adapt(window.started_at)]
        return exists(ADD, *values, adapt(window.expires_at), replace)

    def add(self, key: str, value: int, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self.write(key, value, timeout, replace=False)

    def set(self, key: str, value: int, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self.write(key, value, timeout, replace=True)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        window = window_of(self.make_and_validate_key(key), 0)
        row = first_row(INCREMENT, delta, window.action, window.subject, adapt(window.started_at))
        if row is None:
            raise ValueError(f"There is no counter {key!r}.")
        return int(row[0])

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        window = window_of(self.make_and_validate_key(key), 0)
        row = Counter.objects.filter(action=window.action, subject=window.subject, expires_at__gt=window.started_at)
        count = row.values_list("count", flat=True).first()
        return default if count is None else count

    def delete(self, key: str, version: int | None = None) -> bool:
        window = window_of(self.make_and_validate_key(key), 0)
        deleted, _ = Counter.objects.filter(action=window.action, subject=window.subject).delete()
        return deleted > 0

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        window = window_of(self.make_and_validate_key(key), self.seconds(timeout))
        row = Counter.objects.filter(action=window.action, subject=window.subject, expires_at__gt=window.started_at)
        return row.update(expires_at=window.expires_at) > 0

    def clear(self) -> None:
        Counter.objects.filter(action="cache").delete()


def adapt(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
