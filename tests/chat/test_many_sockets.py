"""Sockets by the hundred, busy ones and dead ones: nobody is forgotten, and nothing is left behind."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.bench import load
from tests.bench.durability import stopped
from tests.bench.places import Place, allow_many_files, visitor
from tests.bench.sockets import messages
from tests.chat.test_sockets import series
from tests.live import LiveServer
from tests.services import wait_until

StartScripted = Callable[..., LiveServer]


@pytest.fixture
def start_place(start_scripted: StartScripted) -> Callable[..., tuple[LiveServer, Place]]:
    """A server that lets one visitor hold any number of sockets, and that visitor."""
    allow_many_files()

    def start(**settings: str) -> tuple[LiveServer, Place]:
        server = start_scripted(WS_MAX_PER_PRINCIPAL="2000", **settings)
        assert server.process is not None
        return server, Place(server.url, server.process.pid, visitor(server.url))

    return start


StartPlace = Callable[..., tuple[LiveServer, Place]]


def test_a_thousand_connections_at_once_leave_nothing_behind(start_place: StartPlace) -> None:
    server, place = start_place()

    async def come_and_go() -> None:
        opened = await load.open_sockets(place.socket, place.token, 1000, at_once=1000)
        held = await asyncio.to_thread(series, server, "chatkit_sockets_open")
        assert held == 1000
        for connection in opened:
            connection.transport.abort()

    load.run(come_and_go())
    wait_until(lambda: series(server, "chatkit_sockets_open") == 0, "all sockets are forgotten")
    assert "Traceback" not in server.log()


def test_who_answers_nothing_any_more_is_forgotten(start_place: StartPlace) -> None:
    """As when a cable is pulled: the connection stands, and nobody reads, not even the close frame."""
    server, place = start_place(WS_IDLE_TIMEOUT="1", WS_AUTH_TIMEOUT="1")

    async def fall_silent() -> None:
        silent = await load.open_sockets(place.socket, place.token, 30)
        strangers = await asyncio.gather(*(load.shake_hands(place.socket, None) for _ in range(30)))
        for connection in [*silent, *strangers]:
            connection.transport.pause_reading()
        forgotten = lambda: series(server, "chatkit_sockets_open") == 0  # noqa: E731 - a claim to wait for
        await asyncio.to_thread(wait_until, forgotten, "all sockets are forgotten")

    load.run(fall_silent())
    assert series(server, 'chatkit_sockets_closed_total{code="4408"}') == 60


def test_a_stop_under_load_finishes_every_turn_and_tells_every_socket(start_place: StartPlace) -> None:
    server, place = start_place()
    codes, completed = load.run(stopped(place, 40))
    assert (completed, codes) == (40, [4012] * 40)
    assert server.stop() == 0


def test_hundreds_of_messages_on_one_socket_are_answered_in_order(start_place: StartPlace) -> None:
    _, place = start_place()
    assert messages(place, 300)[0] == 300
    with httpx.Client(base_url=f"{place.url}/api/v1", headers={"Authorization": f"Bearer {place.token}"}) as http:
        (conversation,) = http.get("/conversations").json()["results"]
        page = http.get(f"/conversations/{conversation['id']}/messages", params={"page_size": 200}).json()
        told = page["results"]
        while page["next"] is not None:
            page = http.get(page["next"]).json()
            told += page["results"]
    asked = [message["content"] for message in told if message["role"] == "user"]
    assert asked == [f'{{"tokens": 1, "n": {number}}}' for number in range(300)]
