"""The admin, under the product's name."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest


class AdminSite(admin.AdminSite):
    site_header = "ChatKit"
    site_title = "ChatKit"
    index_title = "Overview"
    enable_nav_sidebar = True


class WrittenBySystem(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes none when it runs
    """Rows that people may look at and search, and that only the system writes."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
