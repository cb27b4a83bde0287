"""Keeps documents and their passages equal to what the sources say."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.knowledge import guide, readers, sources
from apps.knowledge.languages import SNOWBALL, words
from apps.knowledge.models import LONGEST_TITLE, Document, Passage, Spelling
from apps.knowledge.passages import RULES, passages_of
from apps.knowledge.readers import Page, Unreadable
from apps.knowledge.readers.markdown import read_markdown
from apps.knowledge.readers.outline import one_line, without_controls
from apps.knowledge.signals import documents_changed
from apps.knowledge.sources import Root, Source
from apps.knowledge.web import Raw

UPDATED = [
    "document",
    "position",
    "heading",
    "title_path",
    "anchor",
    "text",
    "language",
    "title_terms",
    "heading_terms",
    "body_terms",
]
BATCH = 200
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Problem:
    source: str
    reason: str


@dataclass(slots=True)
class Report:
    """What one ingest did."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def has_changed(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def ingest(
    arguments: Iterable[str], *, site_url: str = "", prune: bool = False, progress: Progress = lambda *_: None
) -> Report:
    """Reads folders, files, addresses and sitemaps. One bad file is a line of the report and stops nothing."""
    report = Report()
    roots = [sources.find(argument, site_url=sources.checked_site_url(site_url)) for argument in arguments]
    total = sum(len(root.sources) for root in roots)
    done = 0
    for root in roots:
        if root.problem:
            report.problems.append(Problem(root.name, root.problem))
        for source in root.sources:
            progress(done, total, source.name)
            take(source, root, report)
            done += 1
    if prune:
        report.removed = sum(remove_vanished(root) for root in roots)
    progress(total, total, "")
    announce(report)
    return report


def announce(report: Report) -> None:
    if report.has_changed:
        counts = {"added": report.added, "changed": report.changed, "removed": report.removed}
        transaction.on_commit(partial(documents_changed.send, sender=Document, **counts))


def take(source: Source, root: Root, report: Report) -> None:
    try:
        if sources.is_too_long(source.name):
            raise Unreadable("its name is too long")
        outcome = update(source, root.name)
    except Unreadable as exc:
        report.problems.append(Problem(source.name[:200], exc.message))
    except OSError as exc:
        report.problems.append(Problem(source.name, sources.reason(exc)))
    except IntegrityError:
        report.problems.append(Problem(source.name, "another process is ingesting it at this moment"))
    else:
        setattr(report, outcome, getattr(report, outcome) + 1)


def update(source: Source, root: str) -> str:
    """Makes one document equal to its source and says what that took."""
    raw = source.fetch()
    digest = digest_of(raw)
    document = Document.objects.filter(source=source.name).first()
    if document and document.digest == digest and document.root == root:
        return "unchanged"
    page = readers.read(
        raw.content, kind=raw.kind, fallback_title=raw.fallback_title, address=raw.url, charset=raw.charset
    )
    if not page.sections:
        raise Unreadable("it holds no text")
    outcome = "changed" if document else "added"
    document = document or Document(source=source.name)
    document.root, document.digest = root, digest
    document.title, document.language = page.title[:LONGEST_TITLE], language_code(page.language)
    document.url = address(page.url, raw.url)
    write(document, page)
    return outcome


def digest_of(raw: Raw) -> str:
    rules = f"{RULES} {settings.CHATKIT.knowledge_language} {raw.kind} {raw.url} "
    return hashlib.sha256(rules.encode() + raw.content).hexdigest()


def language_code(said: str) -> str:
    """`de-AT` is German; what cannot be stemmed is the site's own language as far as search goes."""
    code = said.lower().replace("_", "-").partition("-")[0]
    return code if code in SNOWBALL else ""


def address(said: str, given: str) -> str:
    """A page may name its own address, as long as it is one."""
    if said.startswith(("http://", "https://")) and len(said) <= 2000:
        return said
    return given if len(given) <= 2000 else ""


def write(document: Document, page: Page) -> None:
    """Saves a document and replaces its passages; those that are still there keep their identity."""
    language = document.language or settings.CHATKIT.knowledge_language
    with transaction.atomic():
        document.save()
        passages = passages_of(document, page, language)
        vanished = Passage.objects.filter(document=document)
        vanished.exclude(key__in=[passage.key for passage in passages]).delete()
        Passage.objects.bulk_create(
            passages, batch_size=BATCH, update_conflicts=True, unique_fields=["key"], update_fields=UPDATED
        )
        remember_spellings(passages, language)


def remember_spellings(passages: Sequence[Passage], language: str) -> None:
    seen = {
        (word.plain, word.term)
        for passage in passages
        for word in words(f"{passage.title_path}\n{passage.text}", language)
        if len(word.plain) > 2
    }
    rows = [Spelling(word=word, term=term) for word, term in sorted(seen)]
    Spelling.objects.bulk_create(rows, batch_size=BATCH * 5, ignore_conflicts=True)


def remove_vanished(root: Root) -> int:
    """Deletes what was once found under this root and is there no more. An unreadable root says nothing."""
    if root.problem:
        return 0
    current = {source.name for source in root.sources}
    known = Document.objects.filter(root=root.name, origin=Document.Origin.INGESTED)
    vanished = [pk for pk, source in known.values_list("pk", "source") if source not in current]
    for start in range(0, len(vanished), BATCH):
        Document.objects.filter(pk__in=vanished[start : start + BATCH]).delete()
    return len(vanished)


def write_by_hand(document: Document) -> None:
    """Saves a document that a person wrote or edited in the admin, and makes its passages anew."""
    is_new = document.pk is None
    document.origin = Document.Origin.WRITTEN
    document.source = document.source or f"written/{uuid.uuid4()}"
    document.title, document.body = one_line(document.title), without_controls(document.body)
    page = read_markdown(document.body, fallback_title=document.title)
    page.title = document.title
    write(document, page)
    announce(Report(added=int(is_new), changed=int(not is_new)))


def set_published(documents: QuerySet[Document], *, is_published: bool) -> int:
    """Publishes or withdraws documents: searches see the difference at once."""
    changed = documents.exclude(is_published=is_published).update(is_published=is_published)
    announce(Report(changed=changed))
    return changed


def ingest_own_documents(*, site_url: str = "") -> Report:
    """ChatKit's own pages, so that a fresh installation has something to answer from."""
    return ingest([str(guide.FOLDER)], site_url=site_url, prune=True)


def own_documents() -> QuerySet[Document]:
    """ChatKit's own pages among the documents."""
    return Document.objects.filter(root=sources.path_name(guide.FOLDER))
