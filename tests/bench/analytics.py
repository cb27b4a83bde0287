"""Events over HTTP on one core: one a request, and fifty."""

import asyncio
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.bench import table
from tests.bench.turns import new, pin
from tests.live import LiveServer

CONNECTIONS, SECONDS = 50, 3.0
EVENT = {"event_type": "widget_loaded", "event_data": {"locale": "en", "position": "bottom-right", "width": 1280}}
SETTINGS = {"RATE_LIMITS__ANALYTICS": "100000000/60", "LOG_LEVEL": "ERROR"}


def request(url: str, path: str, body: object, token: str | None) -> bytes:
    content = json.dumps(body).encode()
    lines = [
        f"POST /api/v1/analytics/{path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def one(url: str, message: bytes, until: float) -> int:
    """Asks again as soon as it is answered, over one connection."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    answered = 0
    while time.perf_counter() < until:
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(head.decode())
        size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(size)
        answered += 1
    writer.close()
    return answered


async def all_at_once(url: str, message: bytes) -> int:
    until = time.perf_counter() + SECONDS
    return sum(await asyncio.gather(*(one(url, message, until) for _ in range(CONNECTIONS))))


def measured(url: str, message: bytes, events: int) -> table.Measure:
    return lambda: events * asyncio.run(all_at_once(url, message))


def main(folder: Path) -> None:
    pin(0, 1)
    with LiveServer(new(folder, "analytics"), **SETTINGS) as server:
        assert server.process is not None
        pin(server.process.pid, 0)
        token = httpx.post(f"{server.url}/api/v1/auth/visitor", json={}).json()["visitor_token"]
        alone, batch = "an event a request", "fifty events a request"
        rates = table.interleaved(
            {
                alone: measured(server.url, request(server.url, "event", EVENT, token), 1),
                "the same without a credential": measured(server.url, request(server.url, "event", EVENT, None), 1),
                batch: measured(server.url, request(server.url, "events", {"events": [EVENT] * 50}, token), 50),
            }
        )
    table.show(f"Events made durable over HTTP, {CONNECTIONS} connections, one core", rates, unit="/s", base=alone)
    table.verdict("at least 2,000 events a second, one a request", is_met=rates[alone] >= 2_000)
    table.verdict("at least 2,000 events a second, in batches", is_met=rates[batch] >= 2_000)
