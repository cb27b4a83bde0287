"""Asks the server and the site as a browser on that site would. What cannot be asked is said, never raised as it is."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from chatkit import __version__

PATIENCE = 10.0
LARGEST = 5 * 1024 * 1024
USER_AGENT = f"ChatKit-Doctor/{__version__}"
CONNECTION_CHECK = "/api/v1/connection-check"


class Unreachable(Exception):
    """No answer; the message is half a sentence that follows the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with headers of the same name joined."""

    url: str
    status: int
    headers: httpx.Headers
    body: str

    def json(self) -> dict[str, Any]:
        """An empty one where the body is none of ours."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def says(self) -> str:
        """The sentence of an error of ours."""
        return str(self.json().get("message") or "")


@dataclass(frozen=True, slots=True)
class Streamed:
    """A stream of events and when each arrived, in seconds since the answer began."""

    answer: Answer
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Handshake:
    """How far a socket came. `status` is that of a refused upgrade, `problem` what went wrong otherwise."""

    status: int = 0
    problem: str = ""
    subprotocol: str | None = None
    is_ready: bool = False


class Browser:
    """A client that calls as a page of one origin would, and keeps every answer for the check of cookies."""

    def __init__(self, server: str, origin: str) -> None:
        self.server, self.origin = server, origin
        self.answers: list[Answer] = []
        self._http = httpx.Client(timeout=PATIENCE, headers={"User-Agent": USER_AGENT}, follow_redirects=False)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, json: object = None) -> Answer:
        """One call of the page's script."""
        url = urljoin(self.server, path)
        sent = {"Origin": self.origin, **(headers or {})}
        with reaching(url), self._http.stream(method, url, headers=sent, json=json) as response:
            return self._keep(url, response, read_bounded(response))

    def look(self, path: str) -> Answer:
        """As a person or a monitor, who is on no page; redirects are seen and not followed."""
        url = urljoin(self.server, path)
        with reaching(url), self._http.stream("GET", url) as response:
            return self._keep(url, response, read_bounded(response))

    def page(self, url: str) -> Answer:
        """As somebody who opens it in a new tab."""
        with reaching(url), self._http.stream("GET", url, follow_redirects=True) as response:
            return Answer(str(response.url), response.status_code, response.headers, read_bounded(response))

    def stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, json: object = None
    ) -> Streamed:
        url = urljoin(self.server, path)
        with reaching(url), self._http.stream(method, url, headers=dict(headers or {}), json=json) as response:
            if response.status_code != 200:
                return Streamed(self._keep(url, response, read_bounded(response)))
            return timed(self._keep(url, response, ""), events_in(response.iter_lines()))

    def open_socket(self, token: str) -> Handshake:
        """A real handshake, as the widget makes it: with the page's origin, and the credential as a subprotocol."""
        url = f"ws{self.server.removeprefix('http')}/ws/chat"
        carried = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
        offers = [Subprotocol("jwt-auth"), Subprotocol(f"jwt.{carried}")]
        try:
            with connect(
                url,
                origin=Origin(self.origin),
                subprotocols=offers,
                user_agent_header=USER_AGENT,
                open_timeout=PATIENCE,
                close_timeout=2,
            ) as socket:
                return greeted(socket)
        except InvalidStatus as exc:
            return Handshake(status=exc.response.status_code)
        except (InvalidHandshake, WebSocketException) as exc:
            return Handshake(problem=f"the handshake is broken: {exc}")
        except TimeoutError:
            return Handshake(problem=f"nothing came back within {PATIENCE:g} seconds")
        except OSError as exc:
            return Handshake(problem=f"the connection failed: {exc.strerror or exc}")

    def _keep(self, url: str, response: httpx.Response, body: str) -> Answer:
        answer = Answer(url, response.status_code, response.headers, body)
        self.answers.append(answer)
        return answer


def greeted(socket: ClientConnection) -> Handshake:
    """A browser would close a socket that answers with none of the subprotocols it offered."""
    if socket.subprotocol is None:
        return Handshake()
    try:
        frame = json.loads(socket.recv(timeout=PATIENCE))
    except (TimeoutError, ConnectionClosed, ValueError):
        return Handshake(subprotocol=socket.subprotocol, problem="it opens, and then nothing of ChatKit arrives")
    is_ready = isinstance(frame, dict) and frame.get("type") == "session.ready"
    return Handshake(subprotocol=socket.subprotocol, is_ready=is_ready)


def timed(answer: Answer, events: Iterator[tuple[str, dict[str, Any]]]) -> Streamed:
    found = Streamed(answer)
    began = time.monotonic()
    for event in events:
        found.events.append(event)
        found.arrivals.append(time.monotonic() - began)
    return found


def read_bounded(response: httpx.Response) -> str:
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise Unreachable(f"sends more than {LARGEST // 1024 // 1024} MiB")
    return b"".join(parts).decode(errors="replace")


def events_in(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = "message"
    for line in lines:
        if line.startswith("event:"):
            name = line.partition(":")[2].strip()
        elif line.startswith("data:"):
            body = json.loads(line.partition(":")[2])
            yield name, body if isinstance(body, dict) else {}


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """The network's many exceptions as one, in words."""
    try:
        yield
    except httpx.TimeoutException as exc:
        raise Unreachable(f"does not answer within {PATIENCE:g} seconds") from exc
    except httpx.ConnectError as exc:
        raise Unreachable(f"cannot be reached: {exc}") from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise Unreachable(f"breaks the connection off: {exc or type(exc).__name__}") from exc
    except ValueError as exc:
        raise Unreachable("sends what is no stream of JSON events") from exc
