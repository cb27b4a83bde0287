"""Documents as the owner sees them: written here or ingested, and the passages that answers quote."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apps.knowledge import ingest
from apps.knowledge.models import Document, Passage


class PassageInline(admin.TabularInline):  # type: ignore[type-arg]  # Django's class takes none when it runs
    model = Passage
    fields = ("title_path", "anchor", "text")
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("title", "origin", "is_published", "passages", "language", "updated_at")
    list_filter = ("is_published", "origin", "language")
    search_fields = ("title", "source", "url")
    date_hierarchy = "updated_at"
    list_per_page = 50
    show_full_result_count = False
    actions = ("publish", "withdraw")
    inlines = (PassageInline,)
    formfield_overrides: ClassVar = {URLField: {"assume_scheme": "https"}}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        """The list needs counts, not texts."""
        documents: QuerySet[Document] = super().get_queryset(request)
        return documents.annotate(passage_count=Count("passages")).defer("body")

    def get_fields(self, request: HttpRequest, obj: Document | None = None) -> tuple[str, ...]:
        if is_ingested(obj):
            return ("title", "source", "root", "url", "language", "is_published", "created_at", "updated_at")
        return ("title", "body", "url", "language", "is_published")

    def get_readonly_fields(self, request: HttpRequest, obj: Document | None = None) -> tuple[str, ...]:
        """What the next ingest would overwrite cannot be edited."""
        if is_ingested(obj):
            return ("title", "source", "root", "url", "language", "created_at", "updated_at")
        return ()

    def save_model(self, request: HttpRequest, obj: Document, form: "ModelForm[Document]", change: bool) -> None:
        if is_ingested(obj) and change:
            obj.save(update_fields=["is_published", "updated_at"])
            ingest.announce(ingest.Report(changed=1))
        else:
            ingest.write_by_hand(obj)

    @admin.display(description="passages", ordering="passage_count")
    def passages(self, document: Document) -> str:
        address = reverse("admin:knowledge_passage_changelist")
        count: int = getattr(document, "passage_count", 0)
        return format_html('<a href="{}?document__id__exact={}">view {}</a>', address, document.pk, count)

    @admin.action(description="Publish selected documents")
    def publish(self, request: HttpRequest, chosen: QuerySet[Document]) -> None:
        self.set_published(request, chosen, is_published=True)

    @admin.action(description="Withdraw selected documents from search")
    def withdraw(self, request: HttpRequest, chosen: QuerySet[Document]) -> None:
        self.set_published(request, chosen, is_published=False)

    def set_published(self, request: HttpRequest, chosen: QuerySet[Document], *, is_published: bool) -> None:
        keys = list(chosen.values_list("pk", flat=True))
        changed = ingest.set_published(Document.objects.filter(pk__in=keys), is_published=is_published)
        verb = "published" if is_published else "withdrawn"
        self.message_user(request, f"{changed} {verb}.", messages.SUCCESS)


def is_ingested(document: Document | None) -> bool:
    return document is not None and document.pk is not None and document.origin == Document.Origin.INGESTED


@admin.register(Passage)
class PassageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """To look at only: passages come from documents."""

    list_display = ("title_path", "document", "position", "anchor")
    list_filter = ("language",)
    list_select_related = ("document",)
    list_per_page = 50
    search_fields = ("title_path", "text")
    show_full_result_count = False
    fields = ("document", "key", "position", "title_path", "anchor", "url", "language", "text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Passage]:
        passages: QuerySet[Passage] = super().get_queryset(request)
        return passages.defer("title_terms", "heading_terms", "body_terms")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
