"""One caller for each transport, all with the same face, so that every turn test runs over all three."""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

PATIENCE = 30.0


class Refused(Exception):
    def __init__(self, body: dict[str, Any]) -> None:
        self.code, self.status, self.detail = body["error"], body["status_code"], body["detail"]
        self.body = body
        super().__init__(f"{self.code}: {body['message']}")


@dataclass
class Answered:
    """How a turn ended, whichever way it was told."""

    text: str
    status: str
    conversation_id: str
    turn_id: str
    message_id: str
    metadata: dict[str, Any] | None = None
    sources: list[dict[str, Any]] = field(default_factory=list)


class Caller(ABC):
    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        self.http = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
        )

    @abstractmethod
    def ask(self, text: Any, **more: Any) -> Answered:
        """The whole answer; `Refused` for refusals and failures alike."""

    def close(self) -> None:
        self.http.close()


def new_caller(kind: type[Caller], url: str) -> Caller:
    made = httpx.post(f"{url}/api/v1/auth/visitor", json={}, timeout=PATIENCE).json()
    return kind(url, made["visitor_token"])


def checked(response: httpx.Response) -> httpx.Response:
    if response.status_code >= 400:
        response.read()
        raise Refused(response.json())
    return response


class JsonCaller(Caller):
    def ask(self, text: Any, **more: Any) -> Answered:
        body = checked(self.http.post("/chat", json={"message": text, **more})).json()
        return Answered(
            body["answer"],
            body["status"],
            body["conversation_id"],
            body["turn_id"],
            body["message_id"],
            body["metadata"],
            body["sources"],
        )


@dataclass
class ServerEvent:
    id: str
    name: str
    body: dict[str, Any]

    @property
    def seq(self) -> int:
        return int(self.id.rpartition(":")[2])


def server_events(response: httpx.Response) -> Iterator[ServerEvent]:
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield ServerEvent(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}


def told(events: Iterator[ServerEvent]) -> Answered:
    text, sources = "", []
    for event in events:
        match event.name:
            case "sources":
                sources = event.body["sources"]
            case "token":
                text += event.body["content"]
            case "error":
                raise Refused(event.body)
            case "done":
                ids = {name: event.body[name] for name in ("conversation_id", "turn_id", "message_id")}
                return Answered(text, event.body["status"], **ids, metadata=event.body["metadata"], sources=sources)
    raise AssertionError("The stream ended without an end.")


class SseCaller(Caller):
    def ask(self, text: Any, **more: Any) -> Answered:
        with self.http.stream("POST", "/chat/stream", json={"message": text, **more}) as response:
            return told(server_events(checked(response)))


class Socket:
    """A WebSocket with the frames read."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, kind: str, payload: Any, identifier: str | None = None) -> None:
        self.connection.send(
            json.dumps({"type": kind, "payload": payload, **({"id": identifier} if identifier else {})})
        )

    def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=PATIENCE))
        return frame

    def until(self, *kinds: str) -> dict[str, Any]:
        """The next frame of one of these types, or events of one of these event types."""
        while True:
            frame = self.receive()
            if frame["type"] in kinds or frame.get("event_type") in kinds:
                return frame

    def request(self, kind: str, payload: Any) -> dict[str, Any]:
        identifier = uuid.uuid4().hex
        self.send(kind, payload, identifier)
        while (frame := self.receive()).get("id") != identifier:
            pass
        return frame


@contextmanager
def socket(url: str, token: str | None = None, **options: Any) -> Iterator[Socket]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = url.replace("http", "ws", 1) + "/ws/chat"
    with connect(address, additional_headers=headers, max_size=None, **options) as connection:
        opened = Socket(connection)
        if token:
            ready = opened.receive()
            assert ready["type"] == "session.ready", ready
        yield opened


class WebSocketCaller(Caller):
    def ask(self, text: Any, **more: Any) -> Answered:
        with socket(self.url, self.token) as opened:
            accepted = opened.request("agent.message", {"text": text, **more})
            if accepted["type"] == "error":
                raise Refused(accepted)
            return followed(opened, accepted["payload"]["conversation_id"])


def followed(opened: Socket, conversation_id: str) -> Answered:
    text, sources, known = "", [], -1
    while True:
        event = opened.until("runtime_event")
        assert event["seq"] == known + 1
        known, body = event["seq"], event["data"]
        match event["event_type"]:
            case "agent.sources":
                sources = body["sources"]
            case "agent.token":
                text += body["content"]
            case "agent.failed":
                raise Refused({"status_code": 503, "detail": {"retry": body["retry"]}, **body})
            case "agent.completed" | "agent.cancelled" as end:
                assert body["answer"] == text
                return Answered(
                    text,
                    end.removeprefix("agent."),
                    conversation_id,
                    event["turn_id"],
                    body["message_id"],
                    body.get("metadata"),
                    sources,
                )


CALLERS = {"json": JsonCaller, "sse": SseCaller, "websocket": WebSocketCaller}
