"""A site that embeds the widget, on another origin than the chat server's and under the strictest policy that works."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import REPORT_VIOLATIONS, browser, context
from tests.live import LiveServer
from tests.services import wait_until

__all__ = ["browser", "context"]
PATIENCE = 15_000
SLOW = '{"tokens": 40, "pause": 0.1}'
CODE = re.compile(r"ckm_[\w-]{43}")
ENDLESS = '{"tokens": 1, "end": "hang"}'
# Sockets that a test can cut, or make as deaf as a line is after sleep; and what the page leaves behind.
LINES = """
    window.lines = [];
    const Real = WebSocket;
    window.WebSocket = class extends Real {
        constructor(...details) {
            super(...details);
            lines.push(this);
            this.addEventListener("message", (event) => window.areDeaf && event.stopImmediatePropagation());
        }
    };
    window.cut = () => lines.at(-1).close();
    window.listenersOf = 0;
    for (const name of ["addEventListener", "removeEventListener"]) {
        for (const target of [window, document]) {
            const original = target[name];
            target[name] = function (kind, listener, options) {
                if (name === "addEventListener") {
                    window.listenersOf += 1;
                    options?.signal?.addEventListener("abort", () => { window.listenersOf -= 1; });
                } else window.listenersOf -= 1;
                return original.call(this, kind, listener, options);
            };
        }
    }
    const timers = new Set();
    for (const kind of ["Timeout", "Interval"]) {
        const [set, clear] = [window[`set${kind}`], window[`clear${kind}`]];
        window[`set${kind}`] = (task, ...rest) => {
            const id = set(() => { if (kind === "Timeout") timers.delete(id); task(); }, ...rest);
            timers.add(id);
            return id;
        };
        window[`clear${kind}`] = (id) => { timers.delete(id); clear(id); };
    }
    window.timersLeft = () => timers.size;
    window.heard = [];
    for (const name of ["ready", "error", "response.start", "response.end", "conversation.change", "connection",
                        "limit", "identity.change", "log"]) {
        document.addEventListener(`chatkit.${name}`, (event) => heard.push([name, event.detail]));
    }
    document.addEventListener("chatkit:send", (event) => heard.push(["send", event.detail]));
    // The widget's own are counted from here on.
    window.listenersOf = 0;
"""


class Site(ThreadingHTTPServer):
    """Serves one page, whose widgets the test chooses."""

    daemon_threads = True
    markup = ""
    server_url = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def policy(self) -> str:
        socket = self.server_url.replace("http", "ws", 1)
        return f"default-src 'none'; script-src {self.server_url}; connect-src {self.server_url} {socket}"

    @property
    def page(self) -> str:
        script = f'<script type="module" src="{self.server_url}/static/chatkit/chatkit.js"></script>'
        return f'<!doctype html><html lang="en"><head><title>A shop</title>{script}</head><body><main><h1>A shop</h1>\
<p id="story">Roses and herbs since 1962.</p>{self.markup}</main></body></html>'


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", self.server.policy)
        self.end_headers()
        self.wfile.write(self.server.page.encode())

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - its name in the library
        """Nobody reads it."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Site]:
    """The owner's site. It is there before the chat server, whose configuration names it."""
    site = Site(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=site.serve_forever, daemon=True)
    thread.start()
    yield site
    site.shutdown()
    site.server_close()


SETTINGS: dict[str, str] = {"RATE_LIMITS__CHAT_ANONYMOUS": "none"}


@pytest.fixture(scope="module")
def settings_of_the_server() -> dict[str, str]:
    return SETTINGS


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, shop: Site, settings_of_the_server: dict[str, str]
) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("widget")
    live = LiveServer(
        folder,
        program="tests/chat/scripted_server.py",
        CORS_ORIGINS=shop.url,
        EMAIL_URL=f"file://{folder}/mail",
        SHUTDOWN_GRACE="1",
        **settings_of_the_server,
    )
    with live:
        shop.server_url = live.url
        yield live


@dataclass
class Visit:
    """One tab on the shop's page, and everything it complained about or asked of somebody else."""

    page: Page
    shop: Site
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, markup: str = "") -> "Visit":
        self.shop.markup = markup or f'<chatkit-widget server="{self.shop.server_url}" position="inline">'
        self.page.goto(self.shop.url)
        expect(self.input).to_be_visible()
        return self

    def part(self, selector: str) -> Locator:
        return self.page.locator(selector)

    @property
    def input(self) -> Locator:
        return self.part(".chatkit-input").first

    @property
    def answers(self) -> Locator:
        return self.part(".assistant")

    def notice(self, text: str) -> Locator:
        return self.part(".notice").filter(has_text=text)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def ask(self, question: str) -> None:
        self.input.fill(question)
        self.input.press("Enter")

    def is_answered(self, count: int = 1) -> None:
        expect(self.part(".assistant[data-status=complete]")).to_have_count(count, timeout=PATIENCE)

    def heard(self, name: str) -> list[Any]:
        return [detail for kind, detail in self.page.evaluate("heard") if kind == name]

    def logged(self) -> list[str]:
        return [detail["event_type"] for detail in self.heard("log")]

    def is_online(self) -> None:
        self.until("heard.some(([name, detail]) => name === 'connection' && detail.state === 'online')")

    def until(self, claim: str) -> None:
        """Asked from outside: the page's own policy lets nobody evaluate text inside it."""
        wait_until(lambda: bool(self.page.evaluate(claim)), claim)


ON_LOCALHOST = "ChatKit runs without HTTPS because this is localhost; anywhere else it would not start."


def visiting(context: BrowserContext, shop: Site) -> Visit:
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    visit = Visit(page, shop)
    page.add_init_script(REPORT_VIOLATIONS)
    page.add_init_script(LINES)

    def hear(kind: str, text: str) -> None:
        if kind in {"error", "warning"} and text != ON_LOCALHOST:
            visit.complaints.append(text)

    page.on("console", lambda message: hear(message.type, message.text))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", lambda request: visit.requests.append(request.url))
    return visit


@pytest.fixture
def visit(context: BrowserContext, server: LiveServer, shop: Site) -> Visit:
    expect.set_options(timeout=PATIENCE)
    return visiting(context, shop)


def mailed_code(server: LiveServer, address: str) -> str:
    """The code of the mail that this address got."""
    folder, found = server.folder / "mail", list[str]()

    def has_come() -> bool:
        texts = [file.read_text() for file in folder.glob("*")] if folder.exists() else []
        found[:] = [code for text in texts for code in CODE.findall(text) if f"To: {address}" in text]
        return bool(found)

    wait_until(has_come, f"{address} gets a mail")
    return found[-1]
