"""A goodbye on servers that give the application no time for one: daphne has no lifespan, and uvicorn started by its
own command closes connections before it says that it stops."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from chatkit import housekeeping

Handler = Callable[[int, FrameType | None], Any] | int | None


def say_on_sigterm() -> None:
    """Winds down first, then lets the server's own handler stop it."""
    loop, theirs = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(lambda: loop.create_task(leave(theirs)))

    signal.signal(signal.SIGTERM, stop)


def is_uvicorns_own() -> bool:
    """Whether uvicorn itself stops the server, and not ours that inherits from it."""
    server = type(getattr(signal.getsignal(signal.SIGTERM), "__self__", None))
    return server.__module__ == "uvicorn.server"


async def leave(theirs: Handler) -> None:
    try:
        await housekeeping.wind_down()
    finally:
        signal.signal(signal.SIGTERM, theirs)
        signal.raise_signal(signal.SIGTERM)
