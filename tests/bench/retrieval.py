"""How often search finds the right page among the first three: `python -m tests.bench.retrieval [--misses]`."""

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from statistics import median

from tests.bench.knowledge import PAGES, Question, questions

Finder = Callable[[str], list[str]]
FIRST = 3


def page_of(source: str) -> str:
    return source.partition("knowledge/pages/")[2].removesuffix(".md")


def ours(text: str) -> list[str]:
    from apps.knowledge.models import Document
    from apps.knowledge.search import search

    found = [row.document_id for row in search(text)]
    sources = dict(Document.objects.filter(pk__in=found).values_list("pk", "source"))
    return [page_of(sources[pk]) for pk in found]


def plain_bm25() -> Finder:
    """What a bare MATCH finds: porter stemming, any of the words, best passage first."""
    from apps.knowledge.models import Passage

    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE plain USING fts5(page UNINDEXED, title, body, tokenize='porter unicode61')")
    for source, title, text in Passage.objects.values_list("document__source", "title_path", "text"):
        database.execute("INSERT INTO plain VALUES (?, ?, ?)", (page_of(source), title, text))

    def find(text: str) -> list[str]:
        words = "".join(char if char.isalnum() else " " for char in text).split()
        match = " OR ".join(f'"{word}"' for word in words)
        rows = database.execute("SELECT page FROM plain WHERE plain MATCH ? ORDER BY rank LIMIT 50", (match,))
        return list(dict.fromkeys(row[0] for row in rows))

    return find


def share(finder: Finder, asked: Sequence[Question]) -> float:
    hits = sum(question.page in finder(question.text)[:FIRST] for question in asked)
    return hits / len(asked)


def reciprocal(finder: Finder, asked: Sequence[Question]) -> float:
    total = 0.0
    for question in asked:
        found = finder(question.text)[:10]
        total += 1 / (found.index(question.page) + 1) if question.page in found else 0.0
    return total / len(asked)


def chosen(kind: str, *, is_held_out: bool) -> list[Question]:
    return [row for row in questions() if row.kind == kind and row.is_held_out == is_held_out]


def without_synonyms(finder: Finder) -> Finder:
    """Ours without the list of synonyms, to tell what it adds."""
    from apps.knowledge import questions as understanding

    def find(text: str) -> list[str]:
        known, understanding.synonyms = understanding.synonyms, lambda _: {}  # type: ignore[assignment]
        try:
            return finder(text)
        finally:
            understanding.synonyms = known

    return find


def report() -> None:
    from apps.knowledge.models import Document, Passage

    print(f"{Document.objects.count()} pages, {Passage.objects.count()} passages, {len(questions())} questions")
    columns = ("questions", "BM25", "no synonyms", "ChatKit", "MRR")
    print(f"{'right page among the first three':34}" + "".join(f"{name:>13}" for name in columns))
    for is_held_out in (False, True) if "--held-out" in sys.argv else (False,):
        for kind in ("words", "paraphrase"):
            asked = chosen(kind, is_held_out=is_held_out)
            name = f"{kind}, {'held out' if is_held_out else 'tuned on'}"
            plain, bare, full = share(plain_bm25(), asked), share(without_synonyms(ours), asked), share(ours, asked)
            print(f"{name:34}{len(asked):>13}{plain:>13.0%}{bare:>13.0%}{full:>13.0%}{reciprocal(ours, asked):>13.2f}")
    print(f"{'a search, median':34}{median_time():>10.2f} ms")


def median_time() -> float:
    times = []
    for question in questions():
        started = time.perf_counter()
        ours(question.text)
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


def misses() -> None:
    """Of the questions to tune on only."""
    for kind in ("words", "paraphrase"):
        for question in chosen(kind, is_held_out=False):
            found = ours(question.text)
            if question.page not in found[:FIRST]:
                print(f"{question.page:26}{question.text}\n    {found}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(DATA_DIR=folder, DJANGO_SETTINGS_MODULE="chatkit.settings", SECRET_KEY="bench" * 10)
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        from apps.knowledge.ingest import ingest

        call_command("migrate", verbosity=0)
        ingest([str(PAGES)])
        misses() if "--misses" in sys.argv else report()


if __name__ == "__main__":
    main()
