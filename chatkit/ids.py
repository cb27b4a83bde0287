"""Keys that grow with time, so that new rows land at the end of an index instead of all over it."""

import os
import time
import uuid
from collections import deque

CHANCE_BYTES = 10
DRAWN_AT_ONCE = 256

_drawn: deque[bytes] = deque()
# Two processes must never draw the same.
os.register_at_fork(after_in_child=_drawn.clear)


def new_id() -> uuid.UUID:
    """A version 7 UUID: milliseconds, then chance."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(chance(), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def chance() -> bytes:
    """From the system, many at once: each call of it costs as much as the rest of an id."""
    while True:
        try:
            return _drawn.popleft()
        except IndexError:
            block = os.urandom(CHANCE_BYTES * DRAWN_AT_ONCE)
            _drawn.extend(block[start : start + CHANCE_BYTES] for start in range(0, len(block), CHANCE_BYTES))
