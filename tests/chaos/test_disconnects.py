"""Connections cut at random points of streams: what arrives before and after the cut is the whole, once."""

import json
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chat.clients import JsonCaller, new_caller, server_events, socket
from tests.live import LiveServer

pytestmark = pytest.mark.database

CUTS = 10_000 if os.environ.get("CHATKIT_CHAOS") == "full" else 160
AT_ONCE = 16  # turns between two looks at how many cuts there were
TOKENS = 40
WHOLE = "".join(f"{number} " for number in range(TOKENS))
SCRIPT = json.dumps({"tokens": TOKENS, "pause": 0.001})
# What arrived, and how many connections were cut before it was whole.
Told = tuple[list[tuple[int, str]], int]


def over_websocket(caller: JsonCaller, chance: random.Random) -> Told:
    """Reads a few events, breaks the connection, resumes; until the end."""
    told: list[tuple[int, str]] = []
    cuts = 0
    with socket(caller.url, caller.token) as opened:
        turn_id = opened.request("agent.message", {"text": SCRIPT})["payload"]["turn_id"]
    while True:
        left = chance.randint(1, 4)
        with socket(caller.url, caller.token) as opened:
            opened.send("turn.resume", {"turn_id": turn_id, "after_seq": told[-1][0] if told else -1})
            for _ in range(left):
                event = opened.until("runtime_event")
                told.append((event["seq"], event["data"].get("content", "")))
                if event["event_type"] == "agent.completed":
                    return told, cuts
            opened.connection.socket.close()
            cuts += 1


def over_sse(caller: JsonCaller, chance: random.Random) -> Told:
    told: list[tuple[int, str]] = []
    cuts = 0
    with caller.http.stream("POST", "/chat/stream", json={"message": SCRIPT}) as response:
        first = next(server_events(response))
        told.append((first.seq, first.body.get("content", "")))
    turn_id, last = first.id.partition(":")[0], first.id
    while True:
        left = chance.randint(1, 4)
        headers = {"Last-Event-ID": last}
        with caller.http.stream("GET", f"/chat/turns/{turn_id}/events", headers=headers) as response:
            for event in server_events(response):
                last, left = event.id, left - 1
                told.append((event.seq, event.body.get("content", "")))
                if event.name == "done":
                    return told, cuts
                if left == 0:
                    cuts += 1
                    break


@pytest.mark.parametrize("tell", [over_websocket, over_sse])
def test_no_token_is_lost_or_doubled(
    start_scripted: Callable[..., LiveServer], tell: Callable[[JsonCaller, random.Random], Told]
) -> None:
    server = start_scripted()

    def one(number: int) -> int:
        told, cuts = tell(new_caller(JsonCaller, server.url), random.Random(number))  # type: ignore[arg-type]
        numbers = [seq for seq, _ in told]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert "".join(content for _, content in told) == WHOLE
        return cuts

    done = 0
    with ThreadPoolExecutor(8) as pool:
        for first in range(0, CUTS, AT_ONCE):
            done += sum(pool.map(one, range(first, first + AT_ONCE)))
            if done >= CUTS:
                break
    assert done >= CUTS
