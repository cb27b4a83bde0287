"""A durable turn over WebSocket beside the floor, and beside Channels as documented, all in one run."""

import json
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench import load, results, table
from tests.bench.places import CLIENT_CORE, Place, new, other, ours, pin
from tests.bench.results import Result, Summary

CONNECTIONS, SECONDS, ROUNDS = 50, 1.5, 3
ENDS = (b"agent.completed", b"agent.failed")
FLOOR = "raw ASGI, 20 frames, no database (floor)"
DOCUMENTED = "Channels as documented (10 connections)"


def question(**script: object) -> bytes:
    """What the scripted agent is to do."""
    return json.dumps({"type": "agent.message", "payload": {"text": json.dumps(script)}}).encode()


def turns(place: Place, *, message: bytes, connections: int = CONNECTIONS, seconds: float = SECONDS) -> Result:
    asked = load.ask_sockets(place.socket, place.token, message, ENDS, connections=connections, seconds=seconds)
    return load.run(asked)


def main(folder: Path) -> None:
    pin(0, CLIENT_CORE)
    with ExitStack() as stack:
        places = {
            FLOOR: stack.enter_context(other("floor", new(folder, "floor"))),
            DOCUMENTED: stack.enter_context(other("channels", new(folder, "documented"))),
            "the same with persistent connections": stack.enter_context(
                other("channels-persistent", new(folder, "persistent"))
            ),
            "ChatKit, a frame a token": stack.enter_context(ours(new(folder, "frames"), CHATKIT_TEST_FRAMES="1")),
            "ChatKit": stack.enter_context(ours(new(folder, "ours"))),
        }
        measure = partial(turns, message=question(tokens=20))
        measures = {name: (place, measure) for name, place in places.items()}
        # More of them wait for each other's locks, some for half a minute.
        measures[DOCUMENTED] = (places[DOCUMENTED], partial(measure, connections=10))
        report(results.interleaved(measures, ROUNDS))


def report(found: dict[str, Summary]) -> None:
    floor, documented, persistent, frames, ours_ = found
    results.show(f"Durable turns over WebSocket, {CONNECTIONS} connections", found, unit="turns", base=floor)
    results.at_least(0.5, "the floor, a frame a token", found, frames, floor)
    results.at_least(9, "Channels as documented", found, frames, documented)
    results.at_least(4, "the same with persistent connections", found, frames, persistent)
    results.at_least(1, "the floor, coalesced", found, ours_, floor)
    table.verdict("p99 at most twice the floor's", is_met=found[ours_].p99 <= 2 * found[floor].p99)
