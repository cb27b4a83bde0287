"""Which sockets this process holds, whose they are, and how they are all told something."""

import asyncio
from typing import Any, Protocol
from uuid import UUID

from apps.accounts.credentials import Principal
from apps.accounts.revocation import Revocation
from chatkit import metrics

CLOSING_PATIENCE = 2.0


class Socket(Protocol):
    principal: Principal | None
    subject: str
    rooms: set[UUID]

    def end(self, code: int, reason: str) -> "asyncio.Task[None] | None": ...

    def follow(self, turn_id: UUID, after_seq: int) -> None: ...


class Sockets:
    """Touched from the event loop alone; `revoked` may be called from any thread."""

    def __init__(self) -> None:
        self._open: set[Socket] = set()
        self._of_subject: dict[str, set[Socket]] = {}
        self._rooms: dict[UUID, set[Socket]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_draining = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, socket: Socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._open.add(socket)
        metrics.sockets_open.inc()

    def know(self, socket: Socket) -> int:
        """Notes whose it is, and says how many they hold."""
        own = self._of_subject.setdefault(socket.subject, set())
        own.add(socket)
        return len(own)

    def join(self, socket: Socket, conversation_id: UUID) -> None:
        socket.rooms.add(conversation_id)
        self._rooms.setdefault(conversation_id, set()).add(socket)

    def remove(self, socket: Socket) -> None:
        if socket not in self._open:
            return
        self._open.discard(socket)
        metrics.sockets_open.dec()
        leave(self._of_subject, socket.subject, socket)
        for conversation_id in socket.rooms:
            leave(self._rooms, conversation_id, socket)

    def turn_began(self, conversation_id: UUID, turn_id: UUID) -> None:
        for socket in list(self._rooms.get(conversation_id, ())):
            socket.follow(turn_id, -1)

    def revoked(self, revocation: Revocation) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_revoked, revocation)

    async def end_all(self, code: int, reason: str) -> None:
        """Returns when each has its close frame, or reads too slowly to get one."""
        self.is_draining = True
        closing = [task for socket in list(self._open) if (task := socket.end(code, reason)) is not None]
        if closing:
            await asyncio.wait(closing, timeout=CLOSING_PATIENCE)

    def _end_revoked(self, revocation: Revocation) -> None:
        for socket in list(self._open):
            if socket.principal is not None and revocation.covers(socket.principal):
                socket.end(4401, revocation.reason)


def leave(groups: dict[Any, set[Socket]], name: object, socket: Socket) -> None:
    members = groups.get(name, set())
    members.discard(socket)
    if not members:
        groups.pop(name, None)


sockets = Sockets()
