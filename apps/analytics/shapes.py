"""The JSON Schema of a frozen dataclass, so that a report is described in one place: where it is defined."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

Schema = dict[str, Any]
PLAIN: dict[Any, Schema] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    UUID: {"type": "string", "format": "uuid"},
}


def shape_of(kind: Any) -> Schema:
    if kind in PLAIN:
        return PLAIN[kind]
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        properties = {field.name: shape_of(hints[field.name]) for field in fields(kind)}
        return {"type": "object", "required": list(properties), "properties": properties}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": shape_of(get_args(kind)[0])}
    (inner,) = (part for part in get_args(kind) if part is not NoneType)
    shape = shape_of(inner)
    return {**shape, "type": [shape["type"], "null"]}
