"""What the assistant may know: documents, and the passages that answers quote."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

LONGEST_SOURCE = 600
LONGEST_TITLE = 300


class PassageQuerySet(models.QuerySet["Passage"]):
    def published(self) -> "PassageQuerySet":
        return self.filter(document__is_published=True)


class Document(models.Model):
    """One page. Its passages are found while it is published."""

    class Origin(models.TextChoices):
        INGESTED = "ingested"
        WRITTEN = "written", "written here"

    origin = models.CharField(max_length=16, choices=Origin, default=Origin.INGESTED, editable=False)
    source = models.CharField(
        max_length=LONGEST_SOURCE, unique=True, editable=False, help_text="Path or address it was read from."
    )
    root = models.CharField(
        max_length=LONGEST_SOURCE, blank=True, editable=False, help_text="What was ingested when it was found."
    )
    url = models.URLField("address", max_length=2000, blank=True, help_text="Where visitors can read it.")
    title = models.CharField(max_length=LONGEST_TITLE)
    language = models.CharField(max_length=16, blank=True, help_text="Such as en or de; empty means the site's own.")
    body = models.TextField("text", blank=True, help_text="Markdown. Headings divide it into passages.")
    digest = models.CharField(max_length=64, blank=True, editable=False)
    is_published = models.BooleanField("published", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at", "-id"]
        indexes = [
            models.Index(fields=["root"], name="knowledge_document_root"),
            models.Index(fields=["-updated_at", "-id"], name="knowledge_document_recent"),
            models.Index(fields=["origin", "-updated_at"], name="knowledge_document_origin"),
            models.Index(fields=["language", "-updated_at"], name="knowledge_document_language"),
            models.Index(fields=["-updated_at"], condition=Q(is_published=False), name="knowledge_document_withdrawn"),
        ]

    def __str__(self) -> str:
        return self.title


class Passage(models.Model):
    """A heading and what stands under it. The terms are what searches compare; triggers keep the index in step."""

    key = models.UUIDField(
        unique=True, help_text="Derived from the document and the headings, so that ingesting again keeps it."
    )
    document = models.ForeignKey(Document, models.CASCADE, related_name="passages")
    position = models.PositiveIntegerField()
    heading = models.CharField(max_length=LONGEST_TITLE)
    title_path = models.CharField(max_length=1000, help_text="The page's title and the headings down to this one.")
    anchor = models.CharField(max_length=LONGEST_TITLE, blank=True)
    text = models.TextField()
    language = models.CharField(max_length=16)
    title_terms = models.TextField()
    heading_terms = models.TextField()
    body_terms = models.TextField()

    objects: ClassVar = PassageQuerySet.as_manager()

    class Meta:
        ordering = ["document", "position"]

    def __str__(self) -> str:
        return self.title_path

    @property
    def url(self) -> str:
        """The page's address, down to the heading."""
        return with_anchor(self.document.url, self.anchor)


def with_anchor(url: str, anchor: str) -> str:
    return f"{url.partition('#')[0]}#{anchor}" if url and anchor else url


class Spelling(models.Model):
    """A word as the documents spell it and the term it is searched by: what typing mistakes are compared with."""

    word = models.CharField(max_length=64)
    term = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["word", "term"], name="knowledge_spelling_once")]

    def __str__(self) -> str:
        return self.word


class Corpus(models.Model):
    """One row whose stamp is another after every change of a passage or document, whoever made it."""

    stamp = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "corpus"

    def __str__(self) -> str:
        return str(self.stamp)
