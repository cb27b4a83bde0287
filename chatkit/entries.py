"""What the ledger is handed, and the few statements that many entries become.

Values take a short way: a text for a text column, an identifier for an identifier's. Anything else, an expression for
example, goes through Django's field, which knows or refuses it.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import orjson
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from chatkit.errors import Conflict

LARGEST_STATEMENT = 128  # rows in one INSERT where the driver does not prepare it once for many

Key = tuple[Any, ...]
Adapt = Callable[[Any, BaseDatabaseWrapper], Any]


class NotApplied(Conflict):
    """A change that had to match a row found none: somebody else was first."""


class Change(NamedTuple):
    """`UPDATE … SET values WHERE where`, by field names. With `must_match` its writer fails where no row matches."""

    model: type[models.Model]
    where: Mapping[str, Any]
    values: Mapping[str, Any]
    must_match: bool = False


class Insert(NamedTuple):
    """A row by its columns' names, `turn_id` and not `turn`, without the cost of an instance; the rest are defaults."""

    model: type[models.Model]
    values: Mapping[str, Any]


Entry = models.Model | Change | Insert


@dataclass(slots=True)
class Run:
    """Entries of one kind, in order, that one statement can carry."""

    key: Key
    rows: list[Sequence[Any]] = field(default_factory=list)


def execute(connection: BaseDatabaseWrapper, entries: Iterable[Entry]) -> None:
    for run in in_runs(connection, entries):
        kind, model, *names = run.key
        if kind == "insert":
            insert(connection, model, run.rows)
        elif run_statement(connection, change_sql(connection.vendor, model, *names), run.rows) != 1 and kind == "must":
            raise NotApplied


def in_runs(connection: BaseDatabaseWrapper, entries: Iterable[Entry]) -> Iterator[Run]:
    """Entries joined into few statements. The order within a table is kept; foreign keys wait for the commit."""
    tables: dict[type[models.Model], list[Run]] = {}
    for entry in entries:
        key, row = compile_entry(connection, entry)
        runs = tables.setdefault(key[1], [])
        if not runs or runs[-1].key != key or key[0] == "must":
            runs.append(Run(key))
        runs[-1].rows.append(row)
    for runs in tables.values():
        yield from runs


def insert(connection: BaseDatabaseWrapper, model: type[models.Model], rows: list[Sequence[Any]]) -> None:
    if connection.vendor == "sqlite":
        run_statement(connection, insert_sql(connection.vendor, model, 1), rows)
        return
    for chunk in chunks(rows):
        run_statement(
            connection,
            insert_sql(connection.vendor, model, len(chunk)),
            [[value for row in chunk for value in row]],
        )


def run_statement(connection: BaseDatabaseWrapper, sql: str, rows: list[Sequence[Any]]) -> int:
    """Runs it for each row, and says how many rows of the table it touched."""
    if connection.vendor == "sqlite":
        # Django's cursor would search each statement for placeholders to translate; these are written for SQLite.
        with connection.wrap_database_errors:
            touched: int = connection.connection.executemany(sql, rows).rowcount
        return touched
    with connection.cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(sql, rows[0])
        else:
            cursor.executemany(sql, rows)
        return int(cursor.rowcount)


def compile_entry(connection: BaseDatabaseWrapper, entry: Entry) -> tuple[Key, Sequence[Any]]:
    if isinstance(entry, Insert):
        values = entry.values
        plan = insert_plan(connection.vendor, entry.model, tuple(values))
        return ("insert", entry.model), [
            adapt(values[name] if default is None else default(), connection) for name, adapt, default in plan
        ]
    if isinstance(entry, Change):
        where, changed = tuple(entry.where), tuple(entry.values)
        adapters = change_adapters(connection.vendor, entry.model, (*changed, *where))
        row = [
            adapt(value, connection)
            for adapt, value in zip(adapters, (*entry.values.values(), *entry.where.values()), strict=True)
        ]
        return ("must" if entry.must_match else "change", entry.model, where, changed), row
    model = type(entry)
    adapters = instance_adapters(connection.vendor, model)
    return ("insert", model), [
        adapt(column.pre_save(entry, True), connection) for column, adapt in zip(columns(model), adapters, strict=True)
    ]


@cache
def insert_plan(
    vendor: str, model: type[models.Model], names: tuple[str, ...]
) -> tuple[tuple[str, Adapt, Callable[[], Any] | None], ...]:
    """For each column: its name, how its values are adapted, and where its value comes from if none is given."""
    known = {column.attname: column for column in columns(model)}
    if unknown := set(names) - set(known):
        raise TypeError(f"{model.__name__} has no columns {sorted(unknown)}.")
    return tuple(
        (name, adapter(vendor, column), None if name in names else column.get_default) for name, column in known.items()
    )


@cache
def change_adapters(vendor: str, model: type[models.Model], names: tuple[str, ...]) -> tuple[Adapt, ...]:
    return tuple(adapter(vendor, field_of(model, name)) for name in names)


@cache
def instance_adapters(vendor: str, model: type[models.Model]) -> tuple[Adapt, ...]:
    return tuple(adapter(vendor, column) for column in columns(model))


PLAIN_TYPES: dict[str, type] = {
    "BigIntegerField": int,
    "BooleanField": bool,
    "CharField": str,
    "PositiveIntegerField": int,
    "PositiveSmallIntegerField": int,
    "SmallIntegerField": int,
    "TextField": str,
}


def adapter(vendor: str, column: "models.Field[Any, Any]") -> Adapt:
    """How a value of this column is handed to the driver."""
    stored: Any = column
    while stored.remote_field is not None:
        stored = stored.target_field
    kind = stored.get_internal_type()
    if (plain := PLAIN_TYPES.get(kind)) is not None:
        return lambda value, connection: value if type(value) is plain else prepared(column, value, connection)
    if kind == "UUIDField" and vendor == "sqlite":
        return lambda value, connection: value.hex if type(value) is uuid.UUID else prepared(column, value, connection)
    if kind == "DateTimeField" and vendor == "sqlite":
        return lambda value, connection: (
            value.isoformat(" ")[: -len("+00:00")] if is_utc(value) else prepared(column, value, connection)
        )
    if kind == "JSONField" and vendor == "sqlite" and stored.encoder is None:
        return lambda value, connection: json_text(column, value, connection)
    return lambda value, connection: prepared(column, value, connection)


def json_text(column: "models.Field[Any, Any]", value: Any, connection: BaseDatabaseWrapper) -> Any:
    try:
        return None if value is None else orjson.dumps(value).decode()
    except TypeError:  # half of a character or a number past 64 bits; Django's way knows them, or refuses them by name
        return prepared(column, value, connection)


def is_utc(value: Any) -> bool:
    return type(value) is datetime and value.tzinfo is UTC


def prepared(column: "models.Field[Any, Any]", value: Any, connection: BaseDatabaseWrapper) -> Any:
    return None if value is None else column.get_db_prep_save(value, connection=connection)


def field_of(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    found: models.Field[Any, Any] = model._meta.get_field(name)  # type: ignore[assignment]
    return found


@cache
def columns(model: type[models.Model]) -> "tuple[models.Field[Any, Any], ...]":
    """What an INSERT names: every column but keys that the database counts up itself."""
    return tuple(found for found in model._meta.local_concrete_fields if not isinstance(found, models.AutoField))


def chunks(rows: list[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    """Sizes are powers of two, so that a handful of statements serves every batch and each is prepared once."""
    start = 0
    while start < len(rows):
        size = min(LARGEST_STATEMENT, 1 << ((len(rows) - start).bit_length() - 1))
        yield rows[start : start + size]
        start += size


def place(vendor: str) -> str:
    return "?" if vendor == "sqlite" else "%s"


@cache
def insert_sql(vendor: str, model: type[models.Model], rows: int) -> str:
    names = ", ".join(quote(column.column) for column in columns(model))
    places = "(" + ", ".join([place(vendor)] * len(columns(model))) + ")"
    return f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES {', '.join([places] * rows)}"  # noqa: S608 - names of our models


@cache
def change_sql(vendor: str, model: type[models.Model], where: tuple[str, ...], values: tuple[str, ...]) -> str:
    assignments = ", ".join(f"{quote(field_of(model, name).column)} = {place(vendor)}" for name in values)
    conditions = " AND ".join(f"{quote(field_of(model, name).column)} = {place(vendor)}" for name in where)
    return f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE {conditions}"  # noqa: S608 - likewise


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
