"""Model providers on loopback that speak the real wire formats, and fail the way a test asks them to."""

import asyncio
import json
import signal
import struct
import sys
import threading
from base64 import b64encode
from binascii import crc32
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from tests.services import wait_until

TEXTS = ("Set a limit ", "with `RATE_LIMITS`", " [1]", ".")


@dataclass(frozen=True)
class Script:
    """What the fake does with the next questions."""

    texts: Sequence[str] = TEXTS
    status: int = 200
    error_type: str = "api_error"
    headers: dict[str, str] = field(default_factory=dict)
    # Seconds before the first piece, and between two.
    first_pause: float = 0.0
    pause: float = 0.0
    # complete, hang, cut (the connection ends), end (the stream ends early), error, garbage, broken_frame,
    # late_cut (after the last word), late_hang, refuse (no answer at all)
    end: str = "complete"
    # Sends the bytes in slices of this size, as networks do.
    slice: int | None = None


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.raw)
        return parsed


class Wire:
    """How a provider puts it: bytes before the texts, for each text, after all, and errors."""

    content_type = "text/event-stream; charset=utf-8"
    request_id_header = "request-id"
    garbage = b"event: content_block_delta\ndata: {not json\n\n"
    # How many of the closing pieces it takes until the answer is known to be complete.
    last_word = 3

    def begin(self) -> list[bytes]:
        return []

    def piece(self, text: str) -> bytes:
        raise NotImplementedError

    def finish(self, count: int) -> list[bytes]:
        raise NotImplementedError

    def error(self, kind: str) -> bytes:
        raise NotImplementedError

    def refusal(self, kind: str, said: str) -> bytes:
        raise NotImplementedError


def event(name: str, **body: Any) -> dict[str, Any]:
    return {"type": name, **body}


def anthropic_begin() -> list[dict[str, Any]]:
    usage = {
        "input_tokens": 40,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 100,
        "output_tokens": 1,
        "service_tier": "standard",
    }
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "claude", "usage": usage}
    return [
        event("message_start", message={**message, "stop_reason": None, "stop_sequence": None}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("ping"),
    ]


def anthropic_piece(text: str) -> dict[str, Any]:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def anthropic_finish(count: int) -> list[dict[str, Any]]:
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        event("content_block_stop", index=0),
        event("message_delta", delta=delta, usage={"output_tokens": count}),
        event("message_stop"),
    ]


class AnthropicWire(Wire):
    def begin(self) -> list[bytes]:
        return [self.line(found) for found in anthropic_begin()]

    def piece(self, text: str) -> bytes:
        return self.line(anthropic_piece(text))

    def finish(self, count: int) -> list[bytes]:
        return [self.line(found) for found in anthropic_finish(count)]

    def error(self, kind: str) -> bytes:
        return self.line(event("error", error={"type": kind, "message": "Overloaded"}))

    def refusal(self, kind: str, said: str) -> bytes:
        return json.dumps(event("error", error={"type": kind, "message": said}, request_id="req_1")).encode()

    @staticmethod
    def line(found: dict[str, Any]) -> bytes:
        return f"event: {found['type']}\ndata: {json.dumps(found)}\n\n".encode()


class OpenAIWire(Wire):
    request_id_header = "x-request-id"
    garbage = b"data: {not json\n\n"
    last_word = 1

    def begin(self) -> list[bytes]:
        return [self.chunk([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])]

    def piece(self, text: str) -> bytes:
        return self.chunk([{"index": 0, "delta": {"content": text}, "finish_reason": None}])

    def finish(self, count: int) -> list[bytes]:
        usage = {
            "prompt_tokens": 140,
            "completion_tokens": count,
            "total_tokens": 140 + count,
            "prompt_tokens_details": {"cached_tokens": 100},
        }
        return [
            self.chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
            self.chunk([], usage=usage),
            b"data: [DONE]\n\n",
        ]

    def error(self, kind: str) -> bytes:
        return f"data: {json.dumps({'error': {'type': kind, 'message': 'Overloaded', 'code': None}})}\n\n".encode()

    def refusal(self, kind: str, said: str) -> bytes:
        return json.dumps({"error": {"message": said, "type": kind, "param": None, "code": None}}).encode()

    @staticmethod
    def chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
        body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": choices}
        return f"data: {json.dumps({**body, 'usage': usage})}\n\n".encode()


class BedrockWire(Wire):
    """AWS event-stream frames, each with two checksums, around Anthropic's events."""

    content_type = "application/vnd.amazon.eventstream"
    request_id_header = "x-amzn-requestid"

    @property
    def garbage(self) -> bytes:  # type: ignore[override]
        return frame({":message-type": "event", ":event-type": "chunk"}, b"{not json")

    def begin(self) -> list[bytes]:
        return [self.chunk(found) for found in anthropic_begin() if found["type"] != "ping"]

    def piece(self, text: str) -> bytes:
        return self.chunk(anthropic_piece(text))

    def finish(self, count: int) -> list[bytes]:
        *events, stop = anthropic_finish(count)
        measured = {"inputTokenCount": 40, "outputTokenCount": count, "firstByteLatency": 9}
        return [
            *(self.chunk(found) for found in events),
            self.chunk({**stop, "amazon-bedrock-invocationMetrics": measured}),
        ]

    def error(self, kind: str) -> bytes:
        headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
        return frame(headers, json.dumps({"message": "Overloaded"}).encode())

    def refusal(self, kind: str, said: str) -> bytes:
        return json.dumps({"message": said}).encode()

    @staticmethod
    def chunk(found: dict[str, Any]) -> bytes:
        body = json.dumps({"bytes": b64encode(json.dumps(found).encode()).decode(), "p": "abcdef"}).encode()
        headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
        return frame(headers, body)


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    encoded = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(encoded) + len(payload), len(encoded))
    content = prelude + struct.pack("!I", crc32(prelude)) + encoded + payload
    return content + struct.pack("!I", crc32(content))


def with_broken_checksum(whole: bytes) -> bytes:
    """One bit of the payload fell over on its way."""
    return whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:]


class Fake:
    """A provider in a thread of its own: tests, and the servers that they start, call it over TCP."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.script = Script()
        # Used up one by one before `script` counts.
        self.first: list[Script] = []
        self.received: list[Received] = []
        self.hung_up = threading.Event()
        self.connections = 0
        self.open = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self.url = ""

    def __enter__(self) -> "Fake":
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def play(self, *first: Script, **script: Any) -> "Fake":
        """Begins a scene: nothing was received yet."""
        self.first, self.script = list(first), Script(**script)
        self.received.clear()
        self.hung_up.clear()
        return self

    @property
    def questions(self) -> list[Received]:
        """What was asked; a connection that is only warmed asks nothing."""
        return [received for received in self.received if received.method == "POST"]

    def wait_for_question(self) -> Received:
        wait_until(lambda: bool(self.questions), "the provider is asked")
        return self.questions[-1]

    async def _start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while (received := await read_request(reader)) is not None:
                self.received.append(received)
                script = self.first.pop(0) if self.first and received.method == "POST" else self.script
                if not await self._answer(received, script, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answer(
        self, received: Received, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection may be used again."""
        if received.method != "POST":
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        if script.end == "refuse":
            writer.transport.abort()
            return False
        if script.status != 200:
            writer.write(self._refusal(received, script))
            return True
        streaming = asyncio.ensure_future(self._stream(script, writer))
        while not streaming.done():
            await asyncio.wait([streaming], timeout=0.01)
            if reader.at_eof() or reader.exception() is not None:
                streaming.cancel()
                await asyncio.gather(streaming, return_exceptions=True)
                self.hung_up.set()
                return False
        return streaming.result()

    def _refusal(self, received: Received, script: Script) -> bytes:
        """Repeats the key, as one of the providers does in earnest."""
        body = self.wire.refusal(script.error_type, f"Incorrect key {key_of(received)}")
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            self.wire.request_id_header: "req_1",
            **script.headers,
        }
        return head(script.status, headers) + body

    async def _stream(self, script: Script, writer: asyncio.StreamWriter) -> bool:
        headers = {"Content-Type": self.wire.content_type, "Transfer-Encoding": "chunked"}
        writer.write(head(200, {**headers, self.wire.request_id_header: "req_1", **script.headers}))
        for whole in self.wire.begin():
            await send(writer, whole, script.slice)
        await asyncio.sleep(script.first_pause)
        for text in script.texts:
            await send(writer, self.wire.piece(text), script.slice)
            await asyncio.sleep(script.pause)
        return await self._end(script, writer)

    async def _end(self, script: Script, writer: asyncio.StreamWriter) -> bool:
        match script.end:
            case "hang":
                await asyncio.sleep(3600)
            case "cut":
                await writer.drain()
                writer.transport.abort()
                return False
            case "error":
                await send(writer, self.wire.error(script.error_type))
            case "garbage":
                await send(writer, self.wire.garbage)
            case "broken_frame":
                await send(writer, with_broken_checksum(self.wire.piece("never")))
            case "late_cut" | "late_hang":
                for whole in self.wire.finish(len(script.texts))[: self.wire.last_word]:
                    await send(writer, whole)
                return await self._end(replace(script, end=script.end.removeprefix("late_")), writer)
            case "complete":
                for whole in self.wire.finish(len(script.texts)):
                    await send(writer, whole, script.slice)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


async def read_request(reader: asyncio.StreamReader) -> Received | None:
    line = await reader.readline()
    if not line:
        return None
    method, path, _ = line.decode().split(" ")
    headers: dict[str, str] = {}
    while (line := await reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, raw)


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def send(writer: asyncio.StreamWriter, whole: bytes, size: int | None = None) -> None:
    for start in range(0, len(whole), size or len(whole)):
        part = whole[start : start + (size or len(whole))]
        writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
    await writer.drain()


def key_of(received: Received) -> str:
    return received.headers.get("x-api-key") or received.headers.get("authorization", "")


WIRES: dict[str, Callable[[], Wire]] = {"anthropic": AnthropicWire, "openai": OpenAIWire, "bedrock": BedrockWire}


def running(name: str) -> Iterator[Fake]:
    with Fake(WIRES[name]()) as fake:
        yield fake


def main() -> None:
    """A fake of Anthropic in a process of its own, for measuring; it says where it listens."""
    chosen = json.loads(sys.argv[1])
    with Fake(AnthropicWire()) as fake:
        fake.play(**{**chosen, "texts": ("word ",) * chosen["texts"]})
        print(fake.url, flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
