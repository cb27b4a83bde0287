"""A small site to ask, and a web server on loopback."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from apps.knowledge.ingest import Report, ingest

SITE = "https://www.example.com/docs"
PAGES = {
    "index.md": "# The bakery\n\nWe bake bread and cakes in the old town.\n",
    "opening-hours.md": (
        "# Opening hours\n\nWe are open from Tuesday to Sunday.\n\n"
        "## Holidays\n\nOn public holidays the shop opens at nine and closes at noon.\n\n"
        "## Christmas\n\nFrom 24 December to 6 January the ovens rest.\n"
    ),
    "orders.md": (
        "# Orders\n\nOrder by phone or in the shop.\n\n"
        "## Wedding cakes\n\nA wedding cake takes two weeks. Bring a picture of what you like. "
        "We deliver it ourselves.\n\n"
        "## Cancelling an order\n\nYou can cancel until the evening before. Later we have baked already.\n\n"
        "## Ordering by program\n\nSend the order to our server:\n\n"
        "```sh\ncurl -d bread=2 https://bakery.example/orders\n```\n"
    ),
    "allergens.md": "# Allergens\n\nAll breads contain gluten. Nut cakes contain hazelnuts.\n",
}
Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of the site."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


@pytest.fixture
def folder(tmp_path: Path, write: Write) -> Path:
    for name, content in PAGES.items():
        write(name, content)
    return tmp_path / "site"


@pytest.fixture
def bakery(db: None, folder: Path) -> Report:
    """The bakery's pages, ingested."""
    return ingest([str(folder)], site_url=SITE)


class Web:
    """What the web server answers: for a path a status, headers and a body."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.url = ""

    def serve(self, path: str, body: str | bytes, kind: str = "text/html; charset=utf-8", status: int = 200) -> str:
        self.answers[path] = (status, {"Content-Type": kind}, body.encode() if isinstance(body, str) else body)
        return self.url + path

    def redirect(self, path: str, to: str) -> str:
        self.answers[path] = (302, {"Location": to}, b"")
        return self.url + path


@pytest.fixture
def web() -> Iterator[Web]:
    site = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = site.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client had enough
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()
