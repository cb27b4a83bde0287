"""Telling other processes that a turn moved. The channel layer may lose messages: the journal is the truth, and
whoever waits looks again by itself after a second."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from django.conf import settings

from apps.chat.signals import turn_began
from chatkit.ids import new_id
from chatkit.logging import get_logger

log = get_logger(__name__)

GROUP = "chatkit.turns"
PROCESS = str(new_id())
LOOK_AGAIN = 1.0
GATHER = 0.01  # seconds in which the turns that moved are gathered into one message
PAUSE = 1.0  # before listening again after the channel layer went away

_waiting: dict[UUID, set[asyncio.Event]] = {}
_moved: set[UUID] = set()
_sending: "set[asyncio.Task[None]]" = set()
_sender: "asyncio.Task[None] | None" = None


class Wakeup:
    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self) -> None:
        """Until the turn moved, or for a second."""
        try:
            await asyncio.wait_for(self._event.wait(), LOOK_AGAIN)
        except TimeoutError:
            return
        self._event.clear()


@contextmanager
def listening(turn_id: UUID) -> Iterator[Wakeup]:
    event = asyncio.Event()
    _waiting.setdefault(turn_id, set()).add(event)
    try:
        yield Wakeup(event)
    finally:
        _waiting[turn_id].discard(event)
        if not _waiting[turn_id]:
            del _waiting[turn_id]


def announce(turn_id: UUID) -> None:
    """This turn has new events in the database."""
    global _sender
    wake(turn_id)
    if not settings.CHATKIT.redis_url:
        return
    _moved.add(turn_id)
    if _sender is None or _sender.done():
        _sender = asyncio.get_running_loop().create_task(send_moved())


def announce_cancel(turn_id: UUID) -> None:
    send_soon({"type": "turn.cancel", "turn": str(turn_id)})


def announce_began(conversation_id: UUID, turn_id: UUID) -> None:
    """To those who joined the conversation, wherever their sockets are."""
    turn_began.send_robust(sender=None, conversation_id=conversation_id, turn_id=turn_id)
    send_soon({"type": "turn.began", "conversation": str(conversation_id), "turn": str(turn_id), "from": PROCESS})


def send_soon(message: dict[str, Any]) -> None:
    if settings.CHATKIT.redis_url:
        task = asyncio.get_running_loop().create_task(send(message))
        # The loop itself only holds tasks weakly.
        _sending.add(task)
        task.add_done_callback(_sending.discard)


def wake(turn_id: UUID) -> None:
    for event in _waiting.get(turn_id, ()):
        event.set()


async def send_moved() -> None:
    while _moved:
        await asyncio.sleep(GATHER)
        turns = [str(turn_id) for turn_id in _moved]
        _moved.clear()
        await send({"type": "turn.moved", "turns": turns})


async def send(message: dict[str, Any]) -> None:
    """Losing one costs a second: followers and heartbeats look into the database by themselves."""
    layer: Any = get_channel_layer()
    try:
        await layer.group_send(GROUP, message)
    except Exception:  # the layer's client raises whatever its connection meets
        log.warning("wakeup_not_sent", exc_info=True)


async def listen(on_cancel: Callable[[UUID], object]) -> None:
    """Runs beside requests for as long as the process serves."""
    while settings.CHATKIT.redis_url:
        try:
            await hear(on_cancel)
        except Exception:  # likewise; it is listened to again
            log.warning("wakeups_not_heard", exc_info=True)
            await asyncio.sleep(PAUSE)


async def hear(on_cancel: Callable[[UUID], object]) -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    while True:
        message = await layer.receive(channel)
        if message["type"] == "turn.cancel":
            on_cancel(UUID(message["turn"]))
        if message["type"] == "turn.began" and message["from"] != PROCESS:
            ids = {"conversation_id": UUID(message["conversation"]), "turn_id": UUID(message["turn"])}
            turn_began.send_robust(sender=None, **ids)
        for turn_id in message.get("turns", ()):
            wake(UUID(turn_id))
