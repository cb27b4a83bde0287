"""Documents as the owner sees them: written here or ingested, and the passages that answers quote."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery, URLField
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apps.knowledge import ingest
from apps.knowledge.models import Document, Passage
from chatkit.admin import Listing, RecentValues, WrittenBySystem


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
class DocumentAdmin(Listing):
    list_display = ("title", "origin", "is_published", "passages", "language", "updated_at")
    list_filter = ("updated_at", "is_published", "origin", ("language", RecentValues))
    sortable_by = ("updated_at",)
    exact = {"source": "source"}
    words = ("title", "source", "url")
    ordering = ("-updated_at", "-id")
    actions = ("publish", "withdraw")
    inlines = (PassageInline,)
    formfield_overrides: ClassVar = {URLField: {"assume_scheme": "https"}}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        """The list needs counts, not texts."""
        documents: QuerySet[Document] = super().get_queryset(request)
        own = Passage.objects.filter(document=OuterRef("pk")).order_by().values("document")
        # Counted for the rows of a page; a join would count for all of the table.
        counted = Coalesce(Subquery(own.annotate(count=Count("pk")).values("count")), 0)
        return documents.annotate(passage_count=counted).defer("body")

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

    @admin.display(description="passages")
    def passages(self, document: Document) -> str:
        address = reverse("admin:knowledge_passage_changelist")
        count: int = getattr(document, "passage_count", 0)
        return format_html('<a href="{}?document__id__exact={}">view {}</a>', address, document.pk, count)

    @admin.action(description="Publish selected documents", permissions=["change"])
    def publish(self, request: HttpRequest, chosen: QuerySet[Document]) -> None:
        self.set_published(request, chosen, is_published=True)

    @admin.action(description="Withdraw selected documents from search", permissions=["change"])
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
class PassageAdmin(WrittenBySystem):
    """To look at only: passages come from documents."""

    list_display = ("title_path", "document", "position", "anchor")
    list_prefetch_related = ("document",)
    exact = {"key": "passage id"}
    words = ("title_path", "text")
    looked_through = 5_000
    ordering = ("-id",)
    fields = ("document", "key", "position", "title_path", "anchor", "url", "language", "text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Passage]:
        passages: QuerySet[Passage] = super().get_queryset(request)
        return passages.defer("title_terms", "heading_terms", "body_terms")
