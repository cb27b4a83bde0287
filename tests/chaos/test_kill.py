"""The promise in one test: twenty clients talk while the server is killed again and again, and nothing is lost."""

import asyncio
import json
import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.chat.clients import JsonCaller, new_caller
from tests.live import LiveServer
from tests.services import wait_until

pytestmark = pytest.mark.database

# `make chaos` does it in full.
IS_FULL = os.environ.get("CHATKIT_CHAOS") == "full"
CLIENTS, MESSAGES, KILLS = (20, 30, 10) if IS_FULL else (20, 6, 3)
SCRIPT = json.dumps({"tokens": 15, "pause": 0.02})
TERMINAL = {"agent.completed", "agent.failed", "agent.cancelled"}


@dataclass
class Talker:
    """One visitor, who never gives up: sends again what was not acknowledged, resumes what was."""

    url: str
    caller: JsonCaller
    conversation_id: str | None = None
    accepted: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reconnects: int = 0

    async def talk(self, are_kills_over: threading.Event) -> None:
        while len(self.ends) < MESSAGES or not are_kills_over.is_set():
            await self.say(str(uuid.uuid4()))

    async def say(self, client_message_id: str) -> None:
        turn_id, known = None, -1
        while True:
            try:
                async with self.open() as connection:
                    await connection.recv()
                    if turn_id is None:
                        turn_id = await self.send(connection, client_message_id)
                    else:
                        await self.resume(connection, turn_id, known)
                    async for frame in frames(connection):
                        if frame.get("turn_id") != turn_id or frame["type"] != "runtime_event":
                            continue
                        if frame["seq"] != known + 1:
                            self.problems.append(f"after {known} came {frame['seq']}")
                        known = frame["seq"]
                        if frame["event_type"] in TERMINAL:
                            self.ends.append(frame["event_type"])
                            return
            except (OSError, WebSocketException, TimeoutError):
                self.reconnects += 1
                await asyncio.sleep(0.1)

    def open(self) -> connect:
        headers = {"Authorization": f"Bearer {self.caller.token}"}
        return connect(self.url.replace("http", "ws", 1) + "/ws/chat", additional_headers=headers, open_timeout=5)

    async def send(self, connection: ClientConnection, client_message_id: str) -> str:
        asked = {"text": SCRIPT, "client_message_id": client_message_id, "conversation_id": self.conversation_id}
        await connection.send(json.dumps({"type": "agent.message", "payload": asked}))
        async for frame in frames(connection):
            if frame["type"] == "message.accepted":
                self.conversation_id = frame["payload"]["conversation_id"]
                self.accepted.append(client_message_id)
                turn_id: str = frame["payload"]["turn_id"]
                return turn_id
            if frame["type"] == "error":
                raise TimeoutError  # for example, the turn of the dead process is not closed yet
        raise AssertionError

    async def resume(self, connection: ClientConnection, turn_id: str, known: int) -> None:
        await connection.send(json.dumps({"type": "turn.resume", "payload": {"turn_id": turn_id, "after_seq": known}}))


async def frames(connection: ClientConnection) -> Any:
    while True:
        yield json.loads(await asyncio.wait_for(connection.recv(), 40))


async def talk_all(talkers: list[Talker], are_kills_over: threading.Event) -> None:
    async with asyncio.timeout(800):
        await asyncio.gather(*(talker.talk(are_kills_over) for talker in talkers))


def ended(talkers: list[Talker]) -> int:
    return sum(len(talker.ends) for talker in talkers)


def have_ended(talkers: list[Talker], turns: int) -> bool:
    return ended(talkers) >= turns


def kill_again_and_again(server: LiveServer, talkers: list[Talker], are_kills_over: threading.Event) -> None:
    """Each server answers a few turns before it is killed too."""
    try:
        for _ in range(KILLS):
            before = ended(talkers)
            wait_until(partial(have_ended, talkers, before + CLIENTS // 2), "turns end between two kills", 60)
            server.kill()
            server.start()
    finally:
        are_kills_over.set()


def history(talker: Talker) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    url: str | None = f"/conversations/{talker.conversation_id}/messages?page_size=200"
    while url is not None:
        page = talker.caller.http.get(url).json()
        found, url = found + page["results"], page["next"]
    return found


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    start_scripted: Callable[..., LiveServer],
) -> None:
    server = start_scripted(CHATKIT_TEST_HASTE="1")
    talkers = [Talker(server.url, new_caller(JsonCaller, server.url)) for _ in range(CLIENTS)]  # type: ignore[arg-type]
    are_kills_over = threading.Event()
    # Threads of their own: others may have left an event loop in this one.
    with ThreadPoolExecutor(2) as pool:
        killing = pool.submit(kill_again_and_again, server, talkers, are_kills_over)
        pool.submit(asyncio.run, talk_all(talkers, are_kills_over)).result()
        killing.result()
    assert [problem for talker in talkers for problem in talker.problems] == []
    for talker in talkers:
        assert len(talker.ends) == len(talker.accepted) >= MESSAGES
        said = [message for message in history(talker) if message["role"] == "user"]
        assert [message["client_message_id"] for message in said] == talker.accepted
        assert all(message["status"] in {"complete", "failed"} for message in history(talker))
    assert sum(talker.reconnects for talker in talkers) >= KILLS
