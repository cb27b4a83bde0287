"""Who is limited now, for what and for how long; and every limit in force."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil

from apps.throttling.limits import TABLE, origin_of, rate_of, reset
from apps.throttling.models import Counter, CounterQuerySet
from chatkit.admin import LOOKED_THROUGH, WrittenBySystem, newest

ACTIONS = sorted({row.action for row in TABLE})


class NowFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("limited", "Limited now"), ("running", "Window runs"), ("ended", "Window ended")]

    def queryset(self, request: HttpRequest, queryset: Any) -> CounterQuerySet:
        match self.value():
            case "limited":
                return cast(CounterQuerySet, queryset.exhausted())
            case "running":
                return cast(CounterQuerySet, queryset.running())
            case "ended":
                return cast(CounterQuerySet, queryset.expired())
        return cast(CounterQuerySet, queryset)


class ActionFilter(admin.SimpleListFilter):
    """Among the newest windows: an index for this alone would be paid for by each counted call."""

    title = f"action (newest {LOOKED_THROUGH:,})"
    parameter_name = "action__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, action) for action in ACTIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Counter]) -> QuerySet[Counter]:
        value = self.value()
        return newest(queryset, "expires_at").filter(action=value) if value else queryset


@admin.register(Counter)
class CounterAdmin(WrittenBySystem):
    list_display = ("action", "subject", "used", "state", "ends", "started_at")
    list_filter = (NowFilter, ActionFilter)
    sortable_by = ("ends",)
    words = ("subject", "action")
    actions = ("reset_selected",)
    ordering = ("-expires_at",)

    def what_is_found(self) -> str:
        return f"A whole subject; w{super().what_is_found()[1:]}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Counter], search_term: str
    ) -> tuple[QuerySet[Counter], bool]:
        """Saying which actions there are lets the database find a subject by the index over both."""
        whole = queryset.filter(action__in=ACTIONS, subject=search_term.replace("\x00", "").strip())
        return (whole, False) if whole.exists() else super().get_search_results(request, queryset, search_term)

    @admin.display(description="used")
    def used(self, counter: Counter) -> str:
        return f"{counter.count} of {counter.maximum}" if counter.maximum is not None else str(counter.count)

    @admin.display
    def state(self, counter: Counter) -> str:
        if counter.expires_at <= timezone.now():
            return "ended"
        return "limited" if counter.maximum is not None and counter.count >= counter.maximum else "running"

    @admin.display(description="ends", ordering="expires_at")
    def ends(self, counter: Counter) -> str:
        now = timezone.now()
        if counter.expires_at <= now:
            return f"{timesince(counter.expires_at, now)} ago"
        seconds = int((counter.expires_at - now).total_seconds()) + 1
        return f"in {seconds} s" if seconds < 120 else f"in {timeuntil(counter.expires_at, now)}"

    @admin.action(description="Reset the selected limits", permissions=["reset"])
    def reset_selected(self, request: HttpRequest, queryset: QuerySet[Counter]) -> None:
        counters = list(queryset)
        for counter in counters:
            reset(counter.subject, counter.action)
        self.message_user(request, f"{len(counters)} limits begin anew with the next call.", messages.SUCCESS)

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Freeing a caller is a change, although no field of the row may be edited."""
        return request.user.has_perm("throttling.change_counter")

    def get_urls(self) -> list[URLPattern]:
        in_force = self.admin_site.admin_view(self.show_limits)
        return [path("limits/", in_force, name="throttling_limits"), *super().get_urls()]

    def show_limits(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = [
            {
                "limit": row,
                "rate": rate_of(row.name),
                "setting": f"RATE_LIMITS__{row.name.upper()}",
                "source": origin_of(row.name),
            }
            for row in TABLE
        ]
        context = {**self.admin_site.each_context(request), "title": "Limits in force", "rows": rows, "opts": self.opts}
        return TemplateResponse(request, "admin/throttling/limits.html", context)
