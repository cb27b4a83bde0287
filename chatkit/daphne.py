"""What daphne leaves to the application: waiting for slow readers, and a goodbye before it stops.

uvicorn makes a sender wait until its client has read, and tells the application that it stops. Daphne does neither.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

from chatkit import housekeeping

Handler = Callable[[int, FrameType | None], Any] | int | None


def transport_of(send: object) -> Any:
    """Twisted's transport behind daphne's `send`, a partial of its protocol; None on every other server."""
    found = (getattr(argument, "transport", None) for argument in getattr(send, "args", ()))
    return next((transport for transport in found if hasattr(transport, "_tempDataLen")), None)


def unsent_bytes(transport: Any) -> int:
    """What the client has not taken yet, in the two buffers that Twisted keeps."""
    return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)


def say_goodbye_on_sigterm() -> None:
    """For servers without a lifespan: winds down first, then lets the server's own handler stop it."""
    loop, theirs = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(lambda: loop.create_task(leave(theirs)))

    signal.signal(signal.SIGTERM, stop)


async def leave(theirs: Handler, wind_down: Callable[[], Awaitable[None]] = housekeeping.wind_down) -> None:
    try:
        await wind_down()
    finally:
        signal.signal(signal.SIGTERM, theirs)
        signal.raise_signal(signal.SIGTERM)
