"""Events to look at, the overview as the first page of the admin, and what belongs to it."""

from django.contrib import admin

from apps.analytics import unanswered
from apps.analytics.models import Event
from apps.analytics.overview import overview
from chatkit.admin import AdminSite, RecentValues, WrittenBySystem


@admin.register(Event)
class EventAdmin(WrittenBySystem):
    list_display = ("created_at", "event_type", "source", "user", "visitor_id", "network", "event_data")
    list_filter = ("created_at", ("event_type", RecentValues))
    list_prefetch_related = ("user",)
    sortable_by = ("created_at",)
    exact = {
        "id": "event id",
        "user__email": "e-mail address",
        "user_id": "user id",
        "visitor_id": "visitor id",
    }
    words = ("event_type",)
    ordering = ("-created_at",)
    fields = (
        "id",
        "event_type",
        "source",
        "user",
        "visitor_id",
        "session_id",
        "request_id",
        "network",
        "event_data",
        "created_at",
    )


site = admin.site
if isinstance(site, AdminSite):
    site.overview = overview
    site.index_template = "admin/overview/page.html"
    site.add_page("unanswered/<uuid:key>/", unanswered.page, name="unanswered")
