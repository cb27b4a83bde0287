"""What can go wrong, as clients see it: a code, a status, a sentence, detail. Imports no framework and no app."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

FieldErrors = Mapping[str, Sequence[str]]


class ChatKitError(Exception):
    """Everything ChatKit refuses. `message` is for visitors: it never holds internals."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    sentence: ClassVar[str] = "Something went wrong on our side. Please try again."

    def __init__(
        self,
        message: str | None = None,
        *,
        detail: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or self.sentence
        self.detail = detail
        self.headers = dict(headers or {})
        super().__init__(self.message)

    def body(self, request_id: str) -> dict[str, Any]:
        return {
            "error": self.code,
            "message": self.message,
            "status_code": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }


class InternalError(ChatKitError):
    pass


class InvalidJSON(ChatKitError):
    code = "invalid_json"
    status = 400
    sentence = "The request body is not valid JSON."


class InvalidRequest(ChatKitError):
    code = "invalid_request"
    status = 422
    sentence = "Some fields are missing or not valid."

    @classmethod
    def of(cls, fields: FieldErrors) -> "InvalidRequest":
        return cls(detail={"fields": fields})


class BadRequest(ChatKitError):
    code = "invalid_request"
    status = 400
    sentence = "The request could not be understood."


class Unauthorized(ChatKitError):
    code = "unauthorized"
    status = 401
    sentence = "You need to be signed in to do this."

    def __init__(self, message: str | None = None, *, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, detail=detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(ChatKitError):
    code = "forbidden"
    status = 403
    sentence = "This request is not allowed."


class PermissionDenied(ChatKitError):
    code = "permission_denied"
    status = 403
    sentence = "You do not have permission to do this."


class NotFound(ChatKitError):
    code = "not_found"
    status = 404
    sentence = "There is nothing at this address."


class MethodNotAllowed(ChatKitError):
    code = "method_not_allowed"
    status = 405
    sentence = "This address does not answer that HTTP method."


class Conflict(ChatKitError):
    code = "conflict"
    status = 409
    sentence = "This conflicts with something that was saved before."


class PayloadTooLarge(ChatKitError):
    code = "payload_too_large"
    status = 413
    sentence = "The request is too large."


class UnsupportedMediaType(ChatKitError):
    code = "unsupported_media_type"
    status = 415
    sentence = "Send the request body as application/json."


class ServiceUnavailable(ChatKitError):
    code = "service_unavailable"
    status = 503
    sentence = "The service is not available right now. Please try again in a moment."


class DatabaseUnavailable(ChatKitError):
    code = "database_unavailable"
    status = 503
    sentence = "The database is not available right now. Please try again in a moment."


class ServerAtCapacity(ChatKitError):
    code = "server_at_capacity"
    status = 503
    sentence = "The server is busy right now. Please try again in a moment."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, detail={"retry_after": 1}, headers={"Retry-After": "1"})


BY_STATUS: dict[int, type[ChatKitError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    503: ServiceUnavailable,
}


def for_status(status: int) -> ChatKitError:
    """The error that stands for a bare status which a framework produced without a reason of ours."""
    return BY_STATUS.get(status, BadRequest if 400 <= status < 500 else InternalError)()
