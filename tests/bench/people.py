"""A process before anybody calls, and a hundred people who register and log in at the same time."""

import asyncio
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from argon2 import PasswordHasher

from tests.bench import load, table
from tests.bench.places import PROGRAM, SETTINGS, Place, cpu_seconds, new, ours
from tests.live import LiveServer

PEOPLE, ROUNDS, STARTS = 100, 3, 5
LEAN = "tests/bench/lean_server.py"
LATE, STEP = "bench_loop_late_seconds", "bench_loop_step_seconds"


def main(folder: Path) -> None:
    show_start(folder)
    show_people(folder)


def show_start(folder: Path) -> None:
    """On a database that is there already: what a restart costs."""
    found = []
    with LiveServer(new(folder, "start"), program=LEAN, **SETTINGS) as server:
        for _ in range(STARTS):
            server.stop()
            began = time.perf_counter()
            server.start()
            assert server.process is not None
            pid = server.process.pid
            seconds = time.perf_counter() - began
            found.append((seconds, cpu_seconds(pid), Place(server.url, pid).resident_kib() / 1024))
    seconds, spent, mebibytes = (statistics.median(values) for values in zip(*found, strict=True))
    print("\nA server that nobody calls")
    print(f"  {'until it answers':<58}{seconds:>12.2f} s, {spent:.2f} s of a processor")
    print(f"  {'resident memory':<58}{mebibytes:>12.1f} MiB")
    table.verdict("answers within 1.5 s", is_met=seconds <= 1.5)
    table.verdict("at most 110 MiB", is_met=mebibytes <= 110)


async def come(place: Place, round_number: int, number: int) -> None:
    """Registers and logs in, on a connection of one's own."""
    caller = await load.call(place.url)
    who = {"email": f"person-{round_number}-{number}@example.com", "password": f"Wq7-{number:03d}-long-enough"}
    for path, body in (("register", {**who, "name": f"Person {number}"}), ("login", who)):
        asked = load.request("POST", f"{place.url}/api/v1/auth/{path}", body=json.dumps(body).encode())
        await caller.ask(asked)  # raises for anything but success
    caller.close()


async def crowd(place: Place, round_number: int) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(come(place, round_number, number) for number in range(PEOPLE)))
    return time.perf_counter() - began


def show_people(folder: Path) -> None:
    settings = {"CHATKIT_BENCH_WATCH": "1", "RATE_LIMITS__LOGIN_FAILURES": "none"}
    # On all cores: hashing is what they are for.
    with ours(new(folder, "people"), program=PROGRAM, is_pinned=False, **settings) as place:
        load.run(crowd(place, 0))
        before = place.cpu_seconds()
        rounds = [(load.run(crowd(place, number)), bare_hashes()) for number in range(1, ROUNDS + 1)]
        seconds, hashes = (statistics.median(values) for values in zip(*rounds, strict=True))
        spent = (place.cpu_seconds() - before) / ROUNDS
        found = gauges(place)
    print(f"\n{PEOPLE} people register and log in at once; all succeed")
    print(f"  {'until the last is in':<58}{seconds:>12.1f} s, {spent:.2f} s of a processor")
    print(f"  {'their 200 hashes alone, in the same minute':<58}{hashes:>12.1f} s")
    print(f"  {'longest step of the event loop':<58}{1000 * found[STEP]:>12.1f} ms of a processor")
    print(f"  {'longest wait for all that was due':<58}{1000 * found[LATE]:>12.1f} ms, with what else the machine did")
    table.verdict("within 4 s on two cores", is_met=seconds <= 4)
    table.verdict("nothing blocks the event loop for over 20 ms", is_met=found[STEP] <= 0.02)


def bare_hashes() -> float:
    """The hashes alone, on as many threads as there are cores: what this machine can do at this moment."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        began = time.perf_counter()
        list(threads.map(hasher.hash, ["Wq7-long-enough"] * 2 * PEOPLE))
        return time.perf_counter() - began


def gauges(place: Place) -> dict[str, float]:
    """Read at once: telling them is a step of the loop too."""
    lines = httpx.get(f"{place.url}/metrics", timeout=30).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if name in {LATE, STEP}}
