"""The one error shape for every HTTP answer, strict JSON in and out, and pagination."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.template import loader
from rest_framework import exceptions as drf
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit import errors, metrics

API_PREFIXES = ("/api/", "/health", "/metrics", "/.well-known/")
JSON = "application/json"


def is_api(path: str) -> bool:
    """Whether a path speaks to programs: JSON errors, credentials in headers, no cookies, no CSRF."""
    return path.startswith(API_PREFIXES)


class JSONParser(BaseParser):
    """UTF-8 JSON and nothing looser: no NaN, no lone surrogates, bounded depth and size."""

    media_type = JSON

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        # `body` before `read()`: only that one keeps to DATA_UPLOAD_MAX_MEMORY_SIZE.
        body: bytes = stream.body if isinstance(stream, HttpRequest) else stream.read()
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as exc:
            raise errors.InvalidJSON from exc


class JSONRenderer(BaseRenderer):
    media_type = JSON
    format = "json"
    charset = None

    def render(
        self, data: object, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z)


class AlwaysJSON(BaseContentNegotiation):
    """There is one representation. What a client would accept, or a `format` in its query, changes nothing."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class Pages(CursorPagination):
    """`{results, next, previous}`; a cursor stays true while rows are added."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-created_at"


def translate(exc: BaseException) -> errors.ChatKitError | None:
    """The error that stands for an exception of Django, DRF or the database; None where it is a defect of ours."""
    match exc:
        case errors.ChatKitError():
            return exc
        case OperationalError() | InterfaceError():
            return errors.DatabaseUnavailable()
        case RequestDataTooBig() | drf.APIException(status_code=413):
            return errors.PayloadTooLarge()
        case Http404() | drf.NotFound():
            return errors.NotFound()
        case DjangoPermissionDenied() | drf.PermissionDenied():
            return errors.PermissionDenied()
        case drf.ParseError():
            return errors.InvalidJSON()
        case drf.ValidationError():
            return errors.InvalidRequest.of(field_errors(exc.detail))
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return errors.Unauthorized()
        case SuspiciousOperation() | UnreadablePostError():
            return errors.BadRequest()
        case drf.APIException():
            return errors.for_status(exc.status_code)
    return None


def field_errors(detail: object, path: str = "") -> dict[str, list[str]]:
    """DRF's nested validation errors, flat: `{"context.mode": ["…"]}`."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, inner in detail.items():
            found.update(field_errors(inner, f"{path}.{name}" if path else str(name)))
        return found
    if isinstance(detail, Sequence) and not isinstance(detail, str):
        if all(isinstance(item, str) for item in detail):
            return {path or "non_field_errors": [str(item) for item in detail]}
        merged: dict[str, list[str]] = {}
        for index, inner in enumerate(detail):
            if inner:
                merged.update(field_errors(inner, f"{path}[{index}]"))
        return merged
    return {path or "non_field_errors": [str(detail)]}


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook. None lets Django log the traceback and answer 500 in the same shape."""
    error = translate(exc)
    if error is None:
        return None
    headers = dict(error.headers)
    if isinstance(exc, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    request = context["request"]
    request = getattr(request, "_request", request)
    response = Response(error.body(request_id(request)), status=error.status, headers=headers)
    mark_shaped(response, error)
    return response


def request_id(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))


def mark_shaped(response: HttpResponse | Response, error: errors.ChatKitError) -> None:
    metrics.errors_told.labels("http", error.code).inc()
    response.is_chatkit_error = True  # type: ignore[union-attr]


def respond(request: HttpRequest, error: errors.ChatKitError) -> HttpResponse:
    """JSON for programs, a small page for people."""
    body = error.body(request_id(request))
    if is_api(request.path):
        response = HttpResponse(orjson.dumps(body), status=error.status, content_type=JSON)
    else:
        page = loader.get_template("error.html").render(body)
        response = HttpResponse(page, status=error.status)
    for name, value in error.headers.items():
        response[name] = value
    mark_shaped(response, error)
    return response


def reshape(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A bare error that Django or a library made on an API path gets our shape and keeps its headers."""
    if response.status_code < 400 or not is_api(request.path) or getattr(response, "is_chatkit_error", False):
        return response
    if response.get("Content-Type", "").startswith(JSON) and not response.streaming:
        return response
    shaped = respond(request, errors.for_status(response.status_code))
    if "Allow" in response:
        shaped["Allow"] = response["Allow"]
    return shaped


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, translate(exception) or errors.BadRequest())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, errors.PermissionDenied())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, errors.NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(request, errors.InternalError())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return respond(request, errors.Forbidden("This form has expired. Reload the page and try again."))
