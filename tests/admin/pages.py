"""Every page of a list: itself, each choice of each filter, each column to sort by, and each way to search."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Group
from django.test import Client

SHORT = {Group}
SEARCHES = ("bread", "user77@example.com", "page/77", "00000001-0000-0000-0000-00000000004d", "nothing at all")


def pages(owner: Client, model: Any, listing: Any) -> Iterator[str]:
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    yield address
    changelist = owner.get(address).context["cl"]
    for filtered in changelist.filter_specs:
        yield from (f"{address}{choice['query_string']}" for choice in filtered.choices(changelist))
    for column in listing.sortable_by:
        number = list(changelist.list_display).index(column)
        yield from (f"{address}?o={sign}{number}" for sign in ("", "-"))
    yield from (f"{address}?{urlencode({'q': asked})}" for asked in SEARCHES)
    yield f"{address}?p=2"
