"""The widget on somebody else's page: another origin, hashed modules, a strict policy, and the list of origins."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from chatkit.embedding import Site, page_for
from tests.browser.conftest import Watched, watch
from tests.browser.widget import ask, expect_answers, messages
from tests.environment import ROOT
from tests.live import LiveServer, clean_environment
from tests.services import free_port

pytestmark = pytest.mark.browser
HASHED = re.compile(r"/static/chatkit/(?:[\w/-]+)\.[0-9a-f]{12}\.js$")


@contextmanager
def shop(server: str, port: int) -> Iterator[str]:
    site = Site(page_for(server), port=port)
    thread = Thread(target=site.serve_forever, daemon=True)
    thread.start()
    yield site.url
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def embedded(context: BrowserContext, start_server: Callable[..., LiveServer], port: int) -> Iterator[Watched]:
    """A page whose origin the server lists, with the widget opened."""
    server = start_server(CORS_ORIGINS=f"http://127.0.0.1:{port}")
    with shop(server.url, port) as url:
        yield watch(context.new_page(), url, server.url, f"ws{server.url.removeprefix('http')}")


def open_widget(watched: Watched, port: int) -> None:
    watched.page.goto(f"http://127.0.0.1:{port}/")
    watched.page.wait_for_selector("chatkit-widget:defined", state="attached")
    watched.page.evaluate("() => document.querySelector('chatkit-widget').open()")
    expect(watched.page.locator(".chatkit-input")).to_be_visible()


def test_the_widget_works_on_a_page_of_another_origin_under_a_strict_policy(embedded: Watched, port: int) -> None:
    fetched: list[str] = []
    embedded.page.on("response", lambda answer: fetched.append(answer.url))
    open_widget(embedded, port)
    ask(embedded.page)
    expect_answers(embedded.page, 1)
    modules = [url for url in fetched if "/static/" in url]
    assert modules[0].endswith("/static/chatkit/chatkit.js")
    assert [url for url in modules[1:] if not HASHED.search(url)] == []
    assert len(modules) > 1
    assert embedded.complaints == []
    assert embedded.foreign_requests == []


def test_the_conversation_of_another_origin_survives_a_reload(embedded: Watched, port: int) -> None:
    open_widget(embedded, port)
    ask(embedded.page)
    expect_answers(embedded.page, 1)
    said = messages(embedded.page).inner_text()
    open_widget(embedded, port)
    expect_answers(embedded.page, 1)
    assert messages(embedded.page).inner_text() == said


def test_no_cookie_is_set_anywhere(embedded: Watched, port: int) -> None:
    open_widget(embedded, port)
    ask(embedded.page)
    expect_answers(embedded.page, 1)
    assert embedded.page.context.cookies() == []


def test_a_page_that_is_not_listed_gets_nothing(context: BrowserContext, site: LiveServer, port: int) -> None:
    page = context.new_page()
    with shop(site.url, port) as url, page.expect_event("requestfailed", lambda request: "/api/" in request.url):
        page.goto(url)
    assert page.context.cookies() == []


def test_the_command_serves_the_page_and_says_what_must_be_listed(tmp_path: Path) -> None:
    environment = clean_environment({"DATA_DIR": str(tmp_path), "BASE_URL": "http://127.0.0.1:9"})
    command = [sys.executable, "manage.py", "serve_embed_page", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        listed = process.stdout.readline()
        page = httpx.get(url)
        process.terminate()
    assert f"CORS_ORIGINS={url}" in listed
    assert "connect-src http://127.0.0.1:9 ws://127.0.0.1:9" in page.headers["Content-Security-Policy"]
    assert '<chatkit-widget server="http://127.0.0.1:9"' in page.text
