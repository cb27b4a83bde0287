"""The gate: what must be true of every release, from a clean checkout, in a real browser against a real server."""

import json
import sqlite3
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocket, expect

from tests.browser.conftest import Watched, watch
from tests.browser.widget import PATIENCE, ask, expect_answers, messages
from tests.chat.conftest import SCRIPTED
from tests.live import LiveServer
from tests.services import wait_until

pytestmark = pytest.mark.browser


SLOWLY = json.dumps({"tokens": 30, "pause": 0.1})


@pytest.fixture
def server(start_server: Callable[..., LiveServer]) -> LiveServer:
    """Answers from ChatKit's own documents, and slowly where it is told to."""
    return start_server(program=SCRIPTED, RATE_LIMITS__CHAT_ANONYMOUS="none", CHATKIT_TEST_HASTE="1")


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


def rows(server: LiveServer, query: str) -> list[str]:
    """What the server's own database holds, read past the server."""
    with sqlite3.connect(f"file:{server.folder}/data/chatkit.sqlite3?mode=ro", uri=True) as database:
        return [value for (value,) in database.execute(query)]


def test_the_widget_loads_without_an_error(visited: Watched) -> None:
    visited.page.wait_for_load_state("networkidle")
    assert visited.complaints == []
    assert visited.foreign_requests == []


def test_a_question_gets_an_answer_from_the_documents(visited: Watched) -> None:
    ask(visited.page)
    expect_answers(visited.page, 1)
    assert visited.complaints == []


def test_an_answer_is_shown_while_it_is_written(context: BrowserContext, server: LiveServer) -> None:
    watched = watch(context.new_page(), server.url)
    names = frames_of(watched.page)
    watched.page.goto(server.url)
    ask(watched.page, SLOWLY)
    expect(messages(watched.page)).to_contain_text("0 1 2 3")
    assert "agent.completed" not in names
    expect(messages(watched.page)).to_contain_text("27 28 29", timeout=PATIENCE)
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
    wait_until(lambda: wanted <= {*rows(server, "SELECT event_type FROM analytics_event")}, f"rows of {wanted}")


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


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_in_mid_answer_leaves_the_widget_ready_for_the_next_question(
    visited: Watched, server: LiveServer, end: str
) -> None:
    ask(visited.page, SLOWLY)
    expect(messages(visited.page)).to_contain_text("0 1 2 3")
    getattr(server, end)()
    server.start()
    expect(messages(visited.page)).to_contain_text("0 1 2 3")
    visited.page.locator(".chatkit-input").fill("")
    wait_until(lambda: not rows(server, "SELECT id FROM chat_turn WHERE status = 'running'"), "the turn is over")
    ask(visited.page)
    expect_answers(visited.page, 1)


def test_what_is_asked_while_the_server_is_away_is_answered_when_it_is_back(
    visited: Watched, server: LiveServer
) -> None:
    ask(visited.page)
    expect_answers(visited.page, 1)
    server.stop()
    ask(visited.page)
    server.start()
    expect_answers(visited.page, 2)
