"""What drf-spectacular cannot see by itself: one set of paths, and one shape for every error."""

from typing import Any

Endpoint = tuple[str, str, str, Any]

ERROR = {
    "type": "object",
    "required": ["error", "message", "status_code", "detail", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "Stable code to match on.", "examples": ["rate_limited"]},
        "message": {"type": "string", "description": "A full sentence that a visitor may read."},
        "status_code": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": ["object", "null"], "additionalProperties": True},
        "request_id": {"type": "string", "format": "uuid"},
    },
}


def only_versioned(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Each route also answers without its version; the document names it once."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def describe(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds the error shape to each operation, and the operations that are plain views."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"] = ERROR
    result["paths"].update(OPERATIONS)
    answer = {
        "description": "Refused; `error` says why.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("default", answer)
    return result


def plain(name: str, summary: str, *, statuses: tuple[int, ...], schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    responses = {str(status): {"description": summary, "content": content} for status in statuses}
    return {"get": {"operationId": name, "summary": summary, "tags": ["operations"], "responses": responses, **more}}


STATUS = {"type": "string", "enum": ["ok", "degraded", "unhealthy", "skipped"]}
HEALTH = {
    "type": "object",
    "required": ["status", "service", "version", "uptime_seconds", "database"],
    "properties": {
        "status": STATUS,
        "service": {"type": "string"},
        "version": {"type": "string"},
        "uptime_seconds": {"type": "number"},
        "database": {"type": "string", "enum": ["connected", "disconnected"]},
        "checks": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["status", "message", "duration_ms"],
                "properties": {
                    "status": STATUS,
                    "message": {"type": "string"},
                    "duration_ms": {"type": "number"},
                },
            },
        },
    },
}
SIMPLE = {"type": "object", "required": ["status"], "properties": {"status": STATUS}}
CHECK = {
    "name": "check",
    "in": "query",
    "schema": {"type": "string", "enum": ["all", "cache", "db", "channels", "runtime", "aws"]},
}
OPERATIONS = {
    "/health": plain("health", "State of the service.", statuses=(200, 503), schema=HEALTH, parameters=[CHECK]),
    "/health/live": plain("health_live", "The process runs.", statuses=(200,), schema=SIMPLE),
    "/health/ready": plain("health_ready", "Traffic may come here.", statuses=(200, 503), schema=SIMPLE),
}
