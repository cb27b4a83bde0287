"""Single statements of the hot path, past Django's cursor: it takes longer to translate one than SQLite to run it."""

from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection


def first_row(sql: str, *parameters: str | int | UUID) -> tuple[Any, ...] | None:
    """The first row that answers, as the driver gives it. `%s` marks a parameter on every database."""
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found: tuple[Any, ...] | None = cursor.fetchone()
        return found
    connection.ensure_connection()
    with connection.wrap_database_errors:
        row: tuple[Any, ...] | None = connection.connection.execute(in_sqlite(sql), stored(parameters)).fetchone()
    return row


def exists(sql: str, *parameters: str | int | UUID) -> bool:
    return first_row(sql, *parameters) is not None


@cache
def in_sqlite(sql: str) -> str:
    return sql.replace("%s", "?")


def stored(parameters: tuple[str | int | UUID, ...]) -> list[str | int]:
    """SQLite keeps identifiers as text."""
    return [value.hex if isinstance(value, UUID) else value for value in parameters]
