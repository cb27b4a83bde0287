"""How often search finds the right page among the first three, and how long that takes.

`python -m tests.bench.retrieval --misses` lists what was not found, of the questions that may be tuned on only.
"""

import random
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from tests.bench import table
from tests.bench.knowledge import PAGES, Question, questions

Finder = Callable[[str], list[str]]
FIRST = 3
COPIES = 6


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


def without_synonyms(finder: Finder) -> Finder:
    """Ours without the list of synonyms, to tell what it adds."""
    from apps.knowledge import questions as understanding

    def find(text: str) -> list[str]:
        known, understanding.synonyms = understanding.synonyms, lambda _: {}
        try:
            return finder(text)
        finally:
            understanding.synonyms = known

    return find


def share(finder: Finder, asked: Sequence[Question]) -> float:
    hits = sum(question.page in finder(question.text)[:FIRST] for question in asked)
    return hits / len(asked)


def chosen(kind: str, *, is_held_out: bool) -> list[Question]:
    return [row for row in questions() if row.kind == kind and row.is_held_out == is_held_out]


def show_quality() -> None:
    from apps.knowledge.models import Document, Passage

    finders = {"bare BM25": plain_bm25(), "no synonyms": without_synonyms(ours), "ChatKit": ours}
    print(
        f"\nThe right page among the first three ({Document.objects.count()} pages, {Passage.objects.count()} passages)"
    )
    print(f"  {'':<40}{'questions':>12}" + "".join(f"{name:>14}" for name in finders))
    for kind, target in (("words", 0.9), ("paraphrase", 0.6)):
        for is_held_out in (False, True):
            asked = chosen(kind, is_held_out=is_held_out)
            shares = [share(finder, asked) for finder in finders.values()]
            name = f"{kind}, {'held out' if is_held_out else 'tuned on'}"
            print(f"  {name:<40}{len(asked):>12}" + "".join(f"{value:>14.0%}" for value in shares))
        table.verdict(f"at least {target:.0%} of the held out questions", is_met=shares[-1] >= target)


def write_copies(folder: Path) -> None:
    """More pages of the same kind, in which many words are others."""
    choice = random.Random(1)

    def other(word: re.Match[str]) -> str:
        return word[0] if choice.random() < 0.6 else word[0] + choice.choice("abcdefghij") + choice.choice("xyz")

    for number in range(COPIES):
        for page in sorted(PAGES.rglob("*.md")):
            copy = folder / str(number) / page.relative_to(PAGES)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(re.sub(r"[a-z]{6,}", other, page.read_text(encoding="utf-8")), encoding="utf-8")


def milliseconds(ask: Callable[[str], object]) -> float:
    """The median question at its best of three, since other programs' turns are not ours to measure."""
    return median(min(timed(ask, question.text) for _ in range(3)) for question in questions())


def timed(ask: Callable[[str], object], text: str) -> float:
    started = time.perf_counter()
    ask(text)
    return (time.perf_counter() - started) * 1000


def show_times() -> None:
    from apps.knowledge.answers import answer
    from apps.knowledge.models import Passage
    from apps.knowledge.search import search

    print(f"\nTime a question takes, median ({Passage.objects.count():,} passages)")
    searching, answering = milliseconds(search), milliseconds(lambda text: next(answer(text).chunks))
    print(f"  {'search':<40}{searching:>12.2f} ms\n  {'until the first piece of an answer':<40}{answering:>12.2f} ms")
    table.verdict("a search within 3 ms", is_met=searching <= 3)
    table.verdict("the first piece within 5 ms", is_met=answering <= 5)


def show_misses() -> None:
    for kind in ("words", "paraphrase"):
        for question in chosen(kind, is_held_out=False):
            found = ours(question.text)
            if question.page not in found[:FIRST]:
                print(f"{question.page:26}{question.text}\n    {found}")


def main(folder: Path) -> None:
    from apps.knowledge.ingest import ingest

    ingest([str(PAGES)])
    if "--misses" in sys.argv:
        show_misses()
        return
    show_quality()
    write_copies(folder / "pages")
    ingest([str(folder / "pages")])
    show_times()


if __name__ == "__main__":
    from tests.bench.__main__ import prepare

    with tempfile.TemporaryDirectory() as temporary:
        prepare(Path(temporary))
        main(Path(temporary))
