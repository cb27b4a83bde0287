"""A page on another origin that embeds the widget: what a site of the owner's would be, for trying and for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.template.loader import render_to_string

from chatkit.doctor.page import MODULE


@dataclass(frozen=True, slots=True)
class File:
    kind: str
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Site(ThreadingHTTPServer):
    """A few files on a port of their own; 0 picks a free one."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, File], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.files = dict(files)
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        file = self.server.files.get(self.path.partition("?")[0])
        self.send_response(HTTPStatus.OK if file else HTTPStatus.NOT_FOUND)
        file = file or File("text/plain", b"There is nothing here.\n")
        for name, value in {
            "Content-Type": file.kind,
            "Content-Length": str(len(file.content)),
            **file.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(file.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the standard library calls
        """Nothing: whoever tries a page looks into the browser."""


def policy_for(server: str) -> str:
    """The strictest policy of a host page under which the widget works."""
    return f"default-src 'none'; style-src 'self'; script-src {server}; connect-src {server} {socket_address(server)}"


def socket_address(server: str) -> str:
    return f"ws{server.removeprefix('http')}"


def page_for(server: str) -> dict[str, File]:
    policy = policy_for(server)
    html = render_to_string("embed/page.html", {"server": server, "module": MODULE, "policy": policy})
    return {
        "/": File("text/html; charset=utf-8", html.encode(), {"Content-Security-Policy": policy}),
        "/page.css": File("text/css", render_to_string("embed/page.css").encode()),
    }
