"""The site's instructions for the model: written anew, never over, so that everyone can see who changed what."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from apps.gateway.models import SiteInstructions, site_instructions
from chatkit.admin import WrittenBySystem


@admin.register(SiteInstructions)
class SiteInstructionsAdmin(WrittenBySystem):
    list_display = ("__str__", "changed_by", "beginning", "is_in_force")
    list_prefetch_related = ("changed_by",)
    exact = {"changed_by__email": "e-mail address of staff"}
    words = ("text",)
    ordering = ("-id",)
    fields = ("text",)

    @admin.display(description="text")
    def beginning(self, version: SiteInstructions) -> str:
        return version.text[:120] or "Empty: the setting AGENT_INSTRUCTIONS counts."

    @admin.display(description="in force", boolean=True)
    def is_in_force(self, version: SiteInstructions) -> bool:
        return not getattr(version, "is_replaced", False)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        newer = SiteInstructions.objects.filter(pk__gt=OuterRef("pk"))
        versions: QuerySet[Any] = super().get_queryset(request).annotate(is_replaced=Exists(newer))
        return versions

    def get_fields(self, request: HttpRequest, obj: SiteInstructions | None = None) -> Any:
        return ("text",) if obj is None else ("text", "changed_by", "changed_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("gateway.add_siteinstructions")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What counts at present is where the next version begins."""
        return {"text": site_instructions()}

    def save_model(self, request: HttpRequest, obj: SiteInstructions, form: Any, change: bool) -> None:
        obj.changed_by_id = request.user.pk
        super().save_model(request, obj, form, change)
