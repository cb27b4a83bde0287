"""As whom the server sees a caller, told as a stream with a known rhythm: what shows how proxies treat both."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase

from chatkit.network import parse

BEATS = 5
PAUSE = 0.2


async def show(request: HttpRequest) -> HttpResponseBase:
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    response = StreamingHttpResponse(beats(seen(request)), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    # As for answers: nginx would gather all of it before passing it on.
    response["X-Accel-Buffering"] = "no"
    return response


def seen(request: HttpRequest) -> dict[str, Any]:
    """Only what callers say about themselves, and whether a proxy's word for it was believed."""
    address = request.META.get("REMOTE_ADDR", "")
    hops = [str(parse(hop)) for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    proxy = "none" if not hops else ("believed" if address in hops else "ignored")
    return {"address": address, "scheme": request.scheme, "proxy": proxy}


async def beats(caller: dict[str, Any]) -> AsyncGenerator[bytes]:
    yield b"event: seen\ndata: " + orjson.dumps(caller) + b"\n\n"
    began = time.monotonic()
    for number in range(BEATS):
        if number:
            await asyncio.sleep(PAUSE)
        yield b"event: beat\ndata: " + orjson.dumps({"number": number, "sent": time.monotonic() - began}) + b"\n\n"
