"""Real Chromium, one a module, one context a test, and a watch over what no page may do."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.live import LiveServer

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
# What the widget has to say once on every page without HTTPS.
ON_LOCALHOST = "ChatKit runs without HTTPS because this is localhost; anywhere else it would not start."
REPORT_VIOLATIONS = """
    document.addEventListener("securitypolicyviolation", (event) =>
        console.error("CSP violation:", event.violatedDirective, event.blockedURI, event.sourceFile));
"""


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: Playwright keeps an event loop running, beside which no async test of another could run."""
    if chromium() is None and os.environ.get("CI") != "true":
        pytest.skip("Chromium is not installed; `make test` says how to get it.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield started
        started.close()


@dataclass
class Watched:
    """A page, and everything it complained about or asked of somebody else."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


def watch(page: Page, *own: str) -> Watched:
    """Hears every complaint, and sees every request that goes elsewhere than to these addresses."""
    found = Watched(page)
    page.add_init_script(REPORT_VIOLATIONS)

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and message.text != ON_LOCALHOST:
            found.complaints.append(message.text)

    def see(request: Request) -> None:
        if not request.url.startswith((*own, "data:", "blob:")):
            found.foreign_requests.append(request.url)

    page.on("console", hear)
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("request", see)
    return found


@pytest.fixture
def watched(context: BrowserContext, site: LiveServer) -> Watched:
    return watch(context.new_page(), site.url)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for the browser tests of a worker."""
    with LiveServer(tmp_path_factory.mktemp("site")) as server:
        yield server
