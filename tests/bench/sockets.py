"""What sockets cost besides turns: a ping, a connect, lying idle, resuming, and server-sent events beside them."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench import load, results, table
from tests.bench.places import CLIENT_CORE, Place, allow_many_files, new, other, ours, pin
from tests.bench.results import Result
from tests.bench.turns import ENDS, question, turns
from tests.services import Redis

CONNECTIONS, SECONDS, ROUNDS = 50, 1.0, 5
FLOOR, CHATKIT = "raw ASGI (floor)", "ChatKit"
PING = b'{"type":"ping","payload":{}}'
IDLE, LONG = 1000, 200
MESSAGES = 1000


def echo(place: Place) -> Result:
    asked = load.ask_sockets(
        place.socket, place.token, PING, (b'"pong"', b'"ping"'), connections=CONNECTIONS, seconds=SECONDS
    )
    return load.run(asked)


def connects(place: Place) -> Result:
    """From the first byte to `session.ready`, again and again; ChatKit authenticates, the floor does not."""

    async def connect() -> None:
        (await load.open_socket(place.socket, place.token)).close()

    return load.run(load.repeat([connect] * CONNECTIONS, SECONDS))


def server_events(place: Place) -> Result:
    body = json.dumps({"message": json.dumps({"tokens": 20})}).encode()
    asked = load.request("POST", f"{place.url}/api/v1/chat/stream", place.token, body)
    return load.run(load.ask_http(place.url, asked, connections=CONNECTIONS, seconds=SECONDS))


async def long_turn(place: Place) -> str:
    """A finished turn of many events, and its id."""
    connection = await load.open_socket(place.socket, place.token)
    connection.send(question(tokens=LONG))
    ended = json.loads(await connection.until(*ENDS))
    connection.close()
    assert ended["seq"] > LONG, ended
    return str(ended["turn_id"])


def resumes(place: Place, *, turn_id: str, pause: float) -> Result:
    """The first replayed event; the rest is read before the same socket resumes again."""
    asked = json.dumps({"type": "turn.resume", "payload": {"turn_id": turn_id, "after_seq": -1}}).encode()
    times: list[float] = []

    def step(connection: load.Connection, number: int) -> Callable[[], Awaitable[None]]:
        pauses = itertools.chain([pause * number / CONNECTIONS], itertools.repeat(pause))

        async def resume() -> None:
            await asyncio.sleep(next(pauses))
            began = time.perf_counter()
            connection.send(asked)
            await connection.until(b"agent.started")
            times.append(time.perf_counter() - began)
            await connection.until(*ENDS)

        return resume

    async def all_of_them() -> Result:
        opened = await load.open_sockets(place.socket, place.token, CONNECTIONS)
        steps = [step(connection, number) for number, connection in enumerate(opened)]
        result = await load.repeat(steps, SECONDS)
        for connection in opened:
            connection.close()
        return Result(times, result.seconds)

    return load.run(all_of_them())


def idle_kib(place: Place) -> float:
    """Resident memory of one authenticated socket that lies idle, out of a thousand."""

    async def hold() -> float:
        # What the first ones need once, the server keeps for all that follow.
        first = await load.open_sockets(place.socket, place.token, IDLE // 5)
        before = place.resident_kib()
        more = await load.open_sockets(place.socket, place.token, IDLE)
        grown = (place.resident_kib() - before) / IDLE
        for connection in [*first, *more]:
            connection.close()
        return grown

    return load.run(hold())


def messages(place: Place, count: int) -> tuple[int, float]:
    """Many questions on one socket in one conversation: how many were answered in order, in how many seconds."""

    async def ask_all() -> tuple[int, float]:
        connection = await load.open_socket(place.socket, place.token)
        began, answered, conversation = time.perf_counter(), 0, None
        for number in range(count):
            payload = {"text": json.dumps({"tokens": 1, "n": number}), "conversation_id": conversation}
            connection.send(json.dumps({"type": "agent.message", "payload": payload, "id": str(number)}).encode())
            accepted = json.loads(await connection.until(b'"message.accepted"', b'"error"'))
            conversation = accepted["payload"]["conversation_id"]
            ended = json.loads(await connection.until(*ENDS))
            answered += accepted["id"] == str(number) and ended["turn_id"] == accepted["payload"]["turn_id"]
        connection.close()
        return answered, time.perf_counter() - began

    return load.run(ask_all())


def main(folder: Path) -> None:
    pin(0, CLIENT_CORE)
    allow_many_files()
    with ExitStack() as stack:
        floor = stack.enter_context(other("floor", new(folder, "sockets-floor")))
        chatkit = stack.enter_context(ours(new(folder, "sockets")))
        show_against_floor("WebSocket echo", "pings", floor, chatkit, echo, 0.75)
        show_against_floor("Authenticated connects", "connects", floor, chatkit, connects, 0.5)
        show_server_events(chatkit)
        show_messages(chatkit)
    with ours(new(folder, "resume"), CHATKIT_TEST_FRAMES="1") as chatkit:
        show_resumes(chatkit)
    show_idle(folder)


def show_against_floor(
    title: str, unit: str, floor: Place, chatkit: Place, measure: results.Measure, target: float
) -> None:
    found = results.interleaved({FLOOR: (floor, measure), CHATKIT: (chatkit, measure)}, ROUNDS)
    results.show(f"{title}, {CONNECTIONS} connections", found, unit=unit, base=FLOOR)
    results.at_least(target, "the floor", found, CHATKIT, FLOOR)


def show_server_events(chatkit: Place) -> None:
    by_socket, by_events = "over WebSocket", "as server-sent events"
    measures = {
        by_socket: (chatkit, partial(turns, message=question(tokens=20), seconds=SECONDS)),
        by_events: (chatkit, server_events),
    }
    found = results.interleaved(measures, ROUNDS)
    results.show(f"A turn, {CONNECTIONS} connections", found, unit="turns", base=by_socket)
    results.at_least(0.4, "the turn over WebSocket", found, by_events, by_socket)


def show_messages(chatkit: Place) -> None:
    answered, seconds = messages(chatkit, MESSAGES)
    print(f"\n{MESSAGES:,} messages on one socket\n  {answered:,} answered in order, in {seconds:.1f} s")
    table.verdict("all answered, in order, none lost", is_met=answered == MESSAGES)


def show_resumes(chatkit: Place) -> None:
    turn_id = load.run(long_turn(chatkit))
    calmly, at_once = "each socket once a second", "all of them without a pause"
    measures = {
        calmly: (chatkit, partial(resumes, turn_id=turn_id, pause=1.0)),
        at_once: (chatkit, partial(resumes, turn_id=turn_id, pause=0.0)),
    }
    found = results.interleaved(measures, ROUNDS)
    title = f"The first replayed event of a finished turn of {LONG} events, {CONNECTIONS} connections"
    results.show(title, found, unit="resumes", base=calmly)
    table.verdict(f"p95 within 20 ms: {found[calmly].p95:.1f} ms", is_met=found[calmly].p95 <= 20)


def show_idle(folder: Path) -> None:
    print(f"\nAn idle authenticated socket, out of {IDLE:,}")
    redis = Redis(new(folder, "redis"))
    try:
        for name, settings, most in (("alone", {}, 35), ("with Redis", {"REDIS_URL": redis.start()}, 55)):
            with ours(new(folder, f"idle-{most}"), **settings) as chatkit:
                kib = idle_kib(chatkit)
            print(f"  {name:<58}{kib:>12.1f} KiB")
            table.verdict(f"at most {most} KiB", is_met=kib <= most)
    finally:
        redis.stop()
