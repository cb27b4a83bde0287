"""Blocking work for event loops outside a request: owned threads whose connections are clean afterwards."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import close_old_connections

R = TypeVar("R")
THREADS = 4

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="chatkit")


async def in_thread(function: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Runs `function` off the loop. Unlike a request's own threads, these outlive the request that asked."""
    call = partial(tidily, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_pool, call)


def tidily(call: Callable[[], R]) -> R:
    """SQLite's connection stays open; PostgreSQL's goes back to the pool; a broken one is dropped."""
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()
