"""The admin, under the product's name, and lists that stay quick whatever their length."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import cached_property

# Counting stops here: nobody turns two hundred pages, and every database counts by looking at each row.
COUNTED = 10_000
# How many of the newest rows are looked through for what no index finds.
LOOKED_THROUGH = 10_000
MOST_WORDS = 8
# Among how many of the newest rows a filter looks for what it offers.
OFFERED_FROM = 2_000


class AdminSite(admin.AdminSite):
    site_header = "ChatKit"
    site_title = "ChatKit"
    index_title = "Overview"
    enable_nav_sidebar = True
    # What the first page shows besides the list of apps; whoever has it to tell sets both.
    overview: Callable[[HttpRequest], dict[str, Any]] | None = None

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: list[URLPattern] = []

    def add_page(self, route: str, view: Callable[..., HttpResponseBase], *, name: str) -> None:
        """A page of the admin that belongs to no list; for staff alone, like all others."""
        self._pages.append(path(route, self.admin_view(view), name=name))

    def get_urls(self) -> list[Any]:
        return [*self._pages, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        shown = self.overview(request) if self.overview else {}
        return super().index(request, {**shown, **(extra_context or {})})


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # Django's class takes none when it runs
    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED + 1].count())

    @property
    def count(self) -> int:
        return min(self.counted, COUNTED)

    @property
    def is_cut(self) -> bool:
        return self.counted > COUNTED


def newest(rows: "QuerySet[Any]", column: str, *, count: int | None = None) -> "QuerySet[Any]":
    """Those of the rows that are among the newest of their table, by a column with an index."""
    skipped = LOOKED_THROUGH if count is None else count
    everything = rows.model._default_manager.order_by(f"-{column}").values_list(column, flat=True)
    oldest = list(everything[skipped : skipped + 1])
    return rows.filter(**{f"{column}__gt": oldest[0]}) if oldest else rows


class Listing(admin.ModelAdmin):  # type: ignore[type-arg]  # likewise
    """A list over what may be a million rows: everything it offers is answered by an index or has a bound."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    # Clicking a column's head sorts the whole table, so that only columns with an index have one to click.
    sortable_by: ClassVar[Any] = ()
    # Fetched behind the rows of a page. Joined in, the database may begin with the other table and sort it all.
    list_select_related: ClassVar[Any] = ()
    list_prefetch_related: ClassVar[tuple[str, ...]] = ()
    # Found anywhere, when all of what was typed is equal: lookups that an index answers, and what people call them.
    exact: ClassVar[Mapping[str, str]] = {}
    # Looked for word by word, in so many of the newest rows.
    words: ClassVar[tuple[str, ...]] = ()
    looked_through = LOOKED_THROUGH

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.prefetch_related(*self.list_prefetch_related)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        changelist.search_help_text = self.what_is_found()
        return changelist

    def what_is_found(self) -> str:
        names = ", ".join(dict.fromkeys(self.exact.values()))
        amount = f"in the newest {self.looked_through:,} {self.opts.verbose_name_plural}"
        parts = [f"A whole {names}" if names else "", f"words {amount}" if self.words else ""]
        sentence = "; ".join(part for part in parts if part)
        return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""

    @property
    def newest_by(self) -> str:
        return str(self.ordering[0]).removeprefix("-") if self.ordering else "pk"

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.exact, *self.words)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> "tuple[QuerySet[Any], bool]":
        asked = search_term.replace("\x00", "").strip()
        if not asked:
            return queryset, False
        for lookup in self.exact:
            rows = equal(queryset, lookup, asked)
            if rows is not None:
                return rows, False
        return (self.with_words(queryset, asked.split()[:MOST_WORDS]) if self.words else queryset.none()), False

    def with_words(self, rows: "QuerySet[Any]", asked: list[str]) -> "QuerySet[Any]":
        if any("__" in field for field in self.words):
            rows = rows.filter(pk__in=self.newest_keys())
        rows = newest(rows, self.newest_by, count=self.looked_through)
        for word in asked:
            rows = rows.filter(self.saying(word))
        return rows

    def newest_keys(self) -> list[Any]:
        """Where words stand in another table: naming the rows keeps the database from reading all of that table."""
        everything = self.model._default_manager.all()
        return list(newest(everything, self.newest_by, count=self.looked_through).values_list("pk", flat=True))

    def saying(self, word: str) -> Q:
        return reduce(or_, (Q(**{f"{field}__icontains": word}) for field in self.words))


def equal(rows: "QuerySet[Any]", lookup: str, asked: str) -> "QuerySet[Any] | None":
    """One lookup at a time: an `or` over several tables would use none of their indexes."""
    try:
        found = rows.filter(**{lookup: asked})
        return found if found.exists() else None
    except (ValidationError, ValueError):
        return None  # what is not even an id is none


class Presence(admin.EmptyFieldListFilter):
    """`IS NOT NULL`, which an index of just those rows answers; Django's own says `NOT … IS NULL`, which none does."""

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        values: Any = self.used_parameters.get(self.lookup_kwarg)
        return queryset.filter(**{f"{self.field_path}__isnull": values[-1] == "1"}) if values else queryset


class RecentValues(admin.AllValuesFieldListFilter):
    """Offers what the newest rows hold; Django would ask every row of the table."""

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        recent = model._default_manager.order_by(*model_admin.ordering).values_list(field_path, flat=True)
        self.lookup_choices = sorted({str(value) for value in recent[:OFFERED_FROM]} - {""})  # type: ignore[assignment]


class WrittenBySystem(Listing):
    """Rows that people may look at and search, and that only the system writes."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
