"""The harness in a browser without a window, and a server of its own for it: what owners put into their CI."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from chatkit.config import Config

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Request

READY = re.compile(rb"ChatKit is ready on (http://\S+)")
NAMES = ("chromium", "google-chrome", "chromium-browser")
FLAGS = ("--no-first-run", "--disable-background-networking", "--disable-gpu")
INSTALL = "pip install playwright"
STOPPING = 30
# Limits are provoked on purpose, and a browser writes each refusal into its console.
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 429")


class CannotRun(Exception):
    """What is missing before anything could be checked, with its remedy."""


@dataclass(slots=True)
class Outcome:
    """The page's own verdict, and what the browser saw besides."""

    result: dict[str, Any]
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        return self.result.get("verdict") == "green" and not self.complaints and not self.foreign


def find_chromium(chosen: str) -> str:
    """The browser that was named, or one that is installed; else Playwright's own."""
    if chosen and not shutil.which(chosen):
        raise CannotRun(f"There is no browser at {chosen}; correct --chromium or CHROMIUM_PATH.")
    return chosen or next(filter(None, map(shutil.which, NAMES)), "")


def examine(url: str, *, chromium: str, patience: float) -> Outcome:
    if find_spec("playwright") is None:
        raise CannotRun(f"Playwright drives the browser, and is not installed: {sys.prefix}/bin/{INSTALL}")
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - only this command needs it

    with sync_playwright() as playwright:
        try:
            # Chromium's sandbox does not work for root, which is what containers run as.
            flags = [*FLAGS, *([] if os.getuid() else ["--no-sandbox"])]
            browser = playwright.chromium.launch(executable_path=chromium or None, args=flags)
        except Error as exc:
            remedy = "Install chromium, or run: playwright install chromium"
            raise CannotRun(f"No browser starts: {exc.message.splitlines()[0]} {remedy}") from exc
        try:
            return read_page(browser.new_page(), url, patience)
        except Error as exc:
            raise CannotRun(f"{url}: {exc.message.splitlines()[0]}") from exc
        finally:
            browser.close()


def read_page(page: "Page", url: str, patience: float) -> Outcome:
    from playwright.sync_api import TimeoutError  # noqa: A004, PLC0415 - its own, and not the built-in one

    outcome = Outcome({})
    watch(page, url, outcome)
    answer = page.goto(url)
    if answer is None or answer.status != 200:
        status = answer.status if answer else "nothing"
        raise CannotRun(f"{url} answers {status}: the harness is served in integration test mode, and to staff.")
    try:
        # A selector, because waiting for an expression needs what the page's policy forbids.
        page.locator("[data-verdict=green], [data-verdict=red]").wait_for(state="attached", timeout=patience * 1000)
    except TimeoutError:
        outcome.complaints.append(f"The page was not finished within {patience:g} seconds.")
    outcome.result = json.loads(page.locator("#harness-result").text_content() or "{}")
    return outcome


def watch(page: "Page", url: str, outcome: Outcome) -> None:
    own = "{0.scheme}://{0.netloc}/".format(urlsplit(url))

    def hear(message: "ConsoleMessage") -> None:
        if message.type == "error" and not EXPECTED.match(message.text):
            outcome.complaints.append(message.text)

    def see(request: "Request") -> None:
        if not request.url.startswith((own, "data:", "blob:")):
            outcome.foreign.append(request.url)

    page.on("console", hear)
    page.on("pageerror", lambda error: outcome.complaints.append(error.message))
    page.on("request", see)


@contextmanager
def temporary_server() -> Iterator[str]:
    """A server in integration test mode, with default settings and an empty database that vanishes with it."""
    with tempfile.TemporaryDirectory(prefix="chatkit-harness-") as folder:
        prepare(Path(folder))
        with (Path(folder) / "log").open("w+b") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", "0"],
                cwd=settings.BASE_DIR,
                env=environment(Path(folder)),
                stdout=subprocess.PIPE,
                stderr=log,
            )
            try:
                yield ready(process, Path(log.name))
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(STOPPING)


def prepare(folder: Path) -> None:
    (folder / "chatkit.yaml").touch()
    if settings.STATIC_ROOT.is_dir():
        # Collecting and compressing takes seconds; the server renews what has changed.
        (folder / "static").symlink_to(settings.STATIC_ROOT)


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the owner's own settings: those may be production's, and name the real database."""
    own = {name.upper() for name in Config.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper().partition("__")[0] not in own}
    chosen = {"INTEGRATION_TEST_MODE": "true", "DATA_DIR": str(folder), "CHATKIT_CONFIG": str(folder / "chatkit.yaml")}
    return {**kept, **chosen, "PYTHONUNBUFFERED": "1"}


def ready(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The address, once the server says it. It writes nothing else there, so nobody has to go on reading."""
    for line in process.stdout or ():
        if match := READY.search(line):
            return match[1].decode()
    said = log.read_text(errors="replace").strip().splitlines()
    raise CannotRun(f"The server for the harness does not start: {said[-1] if said else 'it says nothing'}")
