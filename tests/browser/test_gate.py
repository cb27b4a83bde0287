"""The gate: what must be true of every release, from a clean checkout, in a real browser against a real server."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocket, expect

from tests.browser.conftest import Watched, watch
from tests.browser.widget import ask, expect_answers, messages
from tests.live import LiveServer
from tests.services import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def server(start_server: Callable[..., LiveServer]) -> LiveServer:
    return start_server()


@pytest.fixture
def visited(context: BrowserContext, server: LiveServer) -> Watched:
    """The page of a new owner, opened for the first time."""
    watched = watch(context.new_page(), server.url)
    watched.page.goto(server.url)
    expect(watched.page.locator(".chatkit-input")).to_be_visible()
    return watched


def frames_of(page: Page) -> list[str]:
    """Names of the events that sockets of this page receive from here on."""
    names: list[str] = []

    def hear(payload: str | bytes) -> None:
        frame = json.loads(payload)
        names.append(frame.get("event_type") or frame["type"])

    def open_(socket: WebSocket) -> None:
        socket.on("framereceived", hear)

    page.on("websocket", open_)
    return names


def rows(server: LiveServer) -> Counter[str]:
    """What the server's own database holds, read past the server."""
    with sqlite3.connect(f"file:{server.folder}/data/chatkit.sqlite3?mode=ro", uri=True) as database:
        return Counter(name for (name,) in database.execute("SELECT event_type FROM analytics_event"))


def test_the_widget_loads_without_an_error(visited: Watched) -> None:
    visited.page.wait_for_load_state("networkidle")
    assert visited.complaints == []
    assert visited.foreign_requests == []


def test_a_question_gets_a_streamed_answer(context: BrowserContext, server: LiveServer) -> None:
    watched = watch(context.new_page(), server.url)
    names = frames_of(watched.page)
    watched.page.goto(server.url)
    ask(watched.page)
    expect_answers(watched.page, 1)
    wait_until(lambda: "agent.completed" in names, "the answer ends")
    assert names.index("agent.token") < names.index("agent.completed")
    assert names.count("agent.token") > 1
    assert watched.complaints == []


def test_a_reload_keeps_the_session(visited: Watched) -> None:
    ask(visited.page)
    expect_answers(visited.page, 1)
    said = messages(visited.page).inner_text()
    asked_for: list[str] = []
    visited.page.on("request", lambda request: asked_for.append(request.url))
    visited.page.reload()
    expect_answers(visited.page, 1)
    assert messages(visited.page).inner_text() == said
    assert not [url for url in asked_for if url.endswith("/auth/visitor")]
    assert visited.complaints == []


def test_analytics_rows_are_in_the_database(visited: Watched, server: LiveServer) -> None:
    ask(visited.page)
    expect_answers(visited.page, 1)
    wanted = {"widget_loaded", "session_created", "chat_message"}
    wait_until(lambda: wanted <= rows(server).keys(), f"rows of {wanted}; there are {rows(server)}")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_in_mid_conversation_does_not_break_the_open_widget(
    visited: Watched, server: LiveServer, end: str
) -> None:
    ask(visited.page)
    expect_answers(visited.page, 1)
    getattr(server, end)()
    server.start()
    ask(visited.page)
    expect_answers(visited.page, 2)


def test_what_is_asked_while_the_server_is_away_is_answered_when_it_is_back(
    visited: Watched, server: LiveServer
) -> None:
    ask(visited.page)
    expect_answers(visited.page, 1)
    server.stop()
    ask(visited.page)
    server.start()
    expect_answers(visited.page, 2)
