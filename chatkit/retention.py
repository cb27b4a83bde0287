"""What is deleted when its time has passed. Apps register their parts; `prune` and the housekeeping run them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import QuerySet

# Small enough that a waiting writer hardly notices the lock.
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Expired:
    name: str
    find: Callable[[], QuerySet[Any]]
    by: str
    batch: int


_parts: list[Expired] = []


def register(name: str, find: Callable[[], QuerySet[Any]], *, by: str = "pk", batch: int = BATCH) -> None:
    """`by` names what rows go together by, where their own key has several columns; `batch` counts those."""
    _parts.append(Expired(name, find, by, batch))


def prune(*, dry_run: bool = False) -> Iterator[tuple[str, int]]:
    """Deletes what has expired, part by part, and says how much."""
    for part in _parts:
        yield part.name, part.find().count() if dry_run else delete(part.find(), by=part.by, batch=part.batch)


def delete(rows: QuerySet[Any], *, by: str = "pk", batch: int = BATCH) -> int:
    """In batches by key, so that a long clean-up never holds the database for long."""
    model: type[models.Model] = rows.model
    total = 0
    while keys := list(rows.order_by(by).values_list(by, flat=True).distinct()[:batch]):
        # The condition is asked again: a window may have begun anew since it was listed.
        deleted, _ = rows.filter(**{f"{by}__in": keys}).delete()
        total += deleted
        if deleted == 0 and model._default_manager.filter(**{f"{by}__in": keys}).exists():
            break
    return total
