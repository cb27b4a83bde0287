"""What every request passes: its identity, headers, refusals. Plain functions, no thread hop between them."""

import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import sync_and_async_middleware
from whitenoise.middleware import WhiteNoiseMiddleware

from chatkit import api, errors, metrics, origins
from chatkit.logging import get_logger

GetResponse = Callable[[HttpRequest], Any]
Before = Callable[[HttpRequest], HttpResponse | None]
After = Callable[[HttpRequest, HttpResponse], HttpResponse]

log = get_logger("chatkit.access")


def middleware(before: Before, after: After) -> Callable[[GetResponse], GetResponse]:
    """One middleware out of two plain functions, for either kind of server."""

    @sync_and_async_middleware
    def factory(get_response: GetResponse) -> GetResponse:
        async def run_async(request: HttpRequest) -> HttpResponse:
            refusal = before(request)
            response = await cast(Awaitable[HttpResponse], get_response(request)) if refusal is None else refusal
            return after(request, response)

        def run(request: HttpRequest) -> HttpResponse:
            refusal = before(request)
            return after(request, get_response(request) if refusal is None else refusal)

        chosen: Any = run_async if iscoroutinefunction(get_response) else run
        # Django looks for this hook on what the factory returns.
        chosen.process_exception = process_exception
        return cast(GetResponse, chosen)

    return factory


def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    error = api.translate(exception)
    return None if error is None else api.respond(request, error)


def kept_request_id(value: str) -> str:
    """The client's id where it is a UUID, else a new one: it goes into logs and headers, so nothing else may pass."""
    try:
        return str(uuid.UUID(value))
    except ValueError:
        return str(uuid.uuid4())


def identify(request: HttpRequest) -> None:
    request.request_id = kept_request_id(request.headers.get("X-Request-ID", ""))  # type: ignore[attr-defined]
    request.started_at = time.perf_counter()  # type: ignore[attr-defined]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=api.request_id(request))


def account(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response["X-Request-ID"] = api.request_id(request)
    if not response.streaming:
        response.setdefault("Content-Length", str(len(response.content)))
    seconds = time.perf_counter() - request.started_at  # type: ignore[attr-defined]
    route = request.resolver_match.route if request.resolver_match else "unmatched"
    metrics.http_request(request.method, route, response.status_code).inc()
    metrics.http_time(route).observe(seconds)
    log.info(
        "request",
        method=request.method,
        path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        status=response.status_code,
        ms=round(seconds * 1000, 2),
        client=request.META.get("REMOTE_ADDR"),
    )
    return response


# Tightened from `default-src 'self'`; images may also be data, which the admin and the API docs use.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-XSS-Protection": "1; mode=block",
}
ONE_YEAR = 31_536_000


def nothing(request: HttpRequest) -> None:
    return None


def secure(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    for name, value in SECURITY_HEADERS.items():
        response[name] = value
    if request.is_secure():
        response["Strict-Transport-Security"] = f"max-age={ONE_YEAR}; includeSubDomains"
    return response


def refuse(request: HttpRequest) -> HttpResponse | None:
    """What no view has to look at: uploads past the bound, and pages of sites the owner did not list."""
    if getattr(request, "is_oversized", False):
        refusal = api.respond(request, errors.PayloadTooLarge())
        refusal["Connection"] = "close"
        return refusal
    origin = request.headers.get("Origin")
    if origin is None or not api.is_api(request.path):
        return None
    scheme, host = request.scheme or "http", request.get_host()
    if origins.is_allowed(origin, scheme=scheme, host=host, config=settings.CHATKIT):
        return None
    return api.respond(request, errors.Forbidden("This site is not allowed to use this server."))


def announce_limits(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Whoever counted a call left the header values on the request."""
    for name, value in getattr(request, "limit_headers", {}).items():
        response[name] = value
    return api.reshape(request, response)


request_context = middleware(identify, account)
security_headers = middleware(nothing, secure)
refusals = middleware(refuse, announce_limits)


class ForPeople:
    """Django's own middleware hops to a thread twice each; programs, who bring no cookie, are spared it."""

    get_response: GetResponse

    def __call__(self, request: HttpRequest) -> Any:
        if api.is_api(request.path):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class Sessions(ForPeople, SessionMiddleware):
    pass


class Common(ForPeople, CommonMiddleware):
    pass


class Csrf(ForPeople, CsrfViewMiddleware):
    # Django's handler calls this hook apart from __call__.
    def process_view(self, request: HttpRequest, callback: Any, args: Any, kwargs: Any) -> HttpResponseForbidden | None:
        return None if api.is_api(request.path) else super().process_view(request, callback, args, kwargs)


class Authentication(ForPeople, AuthenticationMiddleware):
    pass


class Messages(ForPeople, MessageMiddleware):
    pass


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise has no types
    """WhiteNoise knows no async: under ASGI it would push every request through a thread, so only files go there."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path_info.startswith(self.static_prefix):
            return self.get_response(request)
        return self.respond_async(request) if self.is_async else super().__call__(request)

    async def respond_async(self, request: HttpRequest) -> HttpResponseBase:
        found = await sync_to_async(self.read)(request)
        return await self.get_response(request) if found is None else found

    def read(self, request: HttpRequest) -> HttpResponse | None:
        """The file as one plain response: Django would otherwise iterate it block by block through a thread."""
        path = request.path_info
        file = self.find_file(path) if self.autorefresh else self.files.get(path)
        if file is None:
            return None
        streamed = self.serve(file, request)
        response = HttpResponse(streamed.getvalue(), status=streamed.status_code, headers=dict(streamed.items()))
        streamed.close()
        return response
