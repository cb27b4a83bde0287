"""Events over HTTP on one core, one a request and fifty, made durable before they are acknowledged."""

from functools import partial
from pathlib import Path

import orjson

from tests.bench import load, results, table
from tests.bench.places import CLIENT_CORE, Place, new, ours, pin
from tests.bench.results import Result

CONNECTIONS, SECONDS, ROUNDS, IN_A_BATCH = 50, 2.0, 3, 50
EVENT = {"event_type": "widget_loaded", "event_data": {"locale": "en", "position": "bottom-right", "width": 1280}}


def posts(place: Place, *, path: str, body: object, is_known: bool = True) -> Result:
    token = place.token if is_known else None
    asked = load.request("POST", f"{place.url}/api/v1/analytics/{path}", token, orjson.dumps(body))
    return load.run(load.ask_http(place.url, asked, connections=CONNECTIONS, seconds=SECONDS))


def main(folder: Path) -> None:
    pin(0, CLIENT_CORE)
    with ours(new(folder, "events"), RATE_LIMITS__ANALYTICS="100000000/60") as chatkit:
        alone, batch = "an event a call", f"{IN_A_BATCH} events a call"
        measures = {
            alone: partial(posts, path="event", body=EVENT),
            "the same without a credential": partial(posts, path="event", body=EVENT, is_known=False),
            batch: partial(posts, path="events", body={"events": [EVENT] * IN_A_BATCH}),
        }
        found = results.interleaved({name: (chatkit, measure) for name, measure in measures.items()}, ROUNDS)
    results.show(f"Events made durable over HTTP, {CONNECTIONS} connections", found, unit="calls", base=alone)
    for name, events in ((alone, 1), (batch, IN_A_BATCH)):
        possible = 1000 / found[name].cpu_ms * events
        what = f"at least 2,000 events a second of one core, {name}: {possible:,.0f} by processor time"
        table.verdict(what, is_met=possible >= 2_000)
