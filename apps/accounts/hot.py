"""What every open tab and every other service asks: plain views, and no thread while the answer is remembered."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from apps.accounts import keys
from apps.accounts.authentication import principal_async
from chatkit.api import JSON


async def show(request: HttpRequest) -> HttpResponseBase:
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    principal = await principal_async(request)
    body = {
        "valid": True,
        "user": {"email": principal.email, "tier": principal.tier},
        "expires_at": principal.expires_at,
    }
    response = HttpResponse(orjson.dumps(body, option=orjson.OPT_UTC_Z), content_type=JSON)
    response["Cache-Control"] = "no-store"
    return response


async def jwks(request: HttpRequest) -> HttpResponseBase:
    """The public keys that verify access tokens, for other services; none while the secret key signs."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    response = HttpResponse(orjson.dumps({"keys": keys.current().published}), content_type=JSON)
    response["Cache-Control"] = "public, max-age=300"
    return response


OPERATION: dict[str, Any] = {
    "get": {
        "operationId": "auth_session_check_retrieve",
        "summary": "Whether the credential is good, and whose it is.",
        "tags": ["accounts"],
        "security": [{"credential": []}],
        "responses": {
            "200": {
                "description": "It is good.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["valid", "user", "expires_at"],
                            "properties": {
                                "valid": {"type": "boolean"},
                                "user": {
                                    "type": "object",
                                    "required": ["email", "tier"],
                                    "properties": {
                                        "email": {"type": ["string", "null"], "format": "email"},
                                        "tier": {"type": "string"},
                                    },
                                },
                                "expires_at": {"type": "string", "format": "date-time"},
                            },
                        }
                    }
                },
            }
        },
    }
}
