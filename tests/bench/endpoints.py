"""Endpoints beside the same ones in a stock Django project: what handler, middleware and threads make of them."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench import load, results, table
from tests.bench.places import CLIENT_CORE, Place, new, other, ours, pin
from tests.bench.results import Result

CONNECTIONS, SECONDS, ROUNDS = 50, 1.0, 5
TARGETS = {"auth/session-check": 4, "auth/me": 2, "conversations": 2}


def gets(place: Place, *, path: str, connections: int) -> Result:
    asked = load.request("GET", f"{place.url}/api/v1/{path}", place.token)
    return load.run(load.ask_http(place.url, asked, connections=connections, seconds=SECONDS))


def main(folder: Path) -> None:
    pin(0, CLIENT_CORE)
    with ExitStack() as stack:
        stock = stack.enter_context(other("stock", new(folder, "stock")))
        chatkit = stack.enter_context(ours(new(folder, "http")))
        for path, target in TARGETS.items():
            show_endpoint(stock, chatkit, path, target)
        show_steadiness(chatkit)


def show_endpoint(stock: Place, chatkit: Place, path: str, target: int) -> None:
    theirs, our = "stock Django REST framework", "ChatKit"
    measure = partial(gets, path=path, connections=CONNECTIONS)
    found = results.interleaved({theirs: (stock, measure), our: (chatkit, measure)}, ROUNDS)
    results.show(f"GET /api/v1/{path}, {CONNECTIONS} connections", found, unit="calls", base=theirs)
    results.at_least(target, theirs, found, our, theirs)


def show_steadiness(chatkit: Place) -> None:
    name = "session-check"
    measure = partial(gets, path="auth/session-check", connections=1)
    found = results.interleaved({name: (chatkit, measure)}, ROUNDS)
    results.show("GET /api/v1/auth/session-check, one connection", found, unit="calls", base=name)
    ratio = found[name].p99 / found[name].p50
    table.verdict(f"p99 at most ten times p50: {ratio:.1f} times", is_met=ratio <= 10)
