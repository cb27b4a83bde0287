"""Keys that grow with time, so that new rows land at the end of an index instead of all over it."""

import secrets
import time
import uuid


def new_id() -> uuid.UUID:
    """A version 7 UUID: milliseconds, then chance."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)
