"""Passwords: argon2id on as many threads as there are cores. More threads would only add memory."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password

T = TypeVar("T")

_pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hashing")

# Nobody's. Verified where there is no account, so that the time tells nothing; the cost is that of real ones.
DUMMY = "argon2$argon2id$v=19$m=19456,t=2,p=1$S7M4BAy7Za5UCWdLOo+swg$GQcHIwBsI8v6mt7QfrRVOX6FdGXWq6KOyHu8UDv5I44"


class Argon2id(Argon2PasswordHasher):
    """OWASP's figures: 19 MiB, two passes, one lane."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1


async def run(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_pool, work)


async def hash_password(password: str) -> str:
    return await run(lambda: make_password(password))


def verify(password: str, encoded: str | None) -> bool:
    """Costs the same whether there is such an account, or a password to it, or not."""
    real = encoded if encoded is not None and encoded.startswith("argon2$") else None
    return check_password(password, real or DUMMY) and real is not None


async def verify_async(password: str, encoded: str | None) -> bool:
    return await run(lambda: verify(password, encoded))


def verify_blocking(password: str, encoded: str | None) -> bool:
    """For plain threads, which wait their turn among the others."""
    return _pool.submit(verify, password, encoded).result()
