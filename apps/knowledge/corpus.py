"""What ranking knows about all passages together, remembered until the corpus changes."""

import math
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from django.db import connection

from apps.knowledge.models import Document, Passage, Spelling

KEPT_PASSAGES = 20_000
# What an occurrence in the title or a heading counts, in occurrences in the text.
TITLE, HEADING = 3.0, 2.5
MOST_ENDINGS = 12
# A corpus that takes long to read is read again only after this many times as long.
PATIENCE = 10
QUICK = 0.1
VOCABULARY = {
    "sqlite": "SELECT term, doc FROM knowledge_vocabulary",
    "postgresql": "SELECT word, ndoc FROM ts_stat('SELECT search FROM knowledge_passage')",
}
COLUMNS = "id", "document_id", "title_terms", "heading_terms", "body_terms"
Positions = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage as ranking sees it."""

    pk: int
    document: int
    title: frozenset[str]
    heading: frozenset[str]
    body: Positions
    weights: dict[str, float]
    length: int


@dataclass
class Snapshot:
    """The corpus at one stamp. Only its cache of entries grows."""

    stamp: int | None
    frequency: dict[str, int]
    passages: int
    average_length: float
    has_drafts: bool
    spellings: dict[str, set[str]]
    loaded_at: float = 0.0
    cost: float = 0.0
    _entries: OrderedDict[int, Entry] = field(default_factory=OrderedDict)

    def weight(self, term: str) -> float:
        """How much a term tells: rare ones more. A term that nothing contains tells as much as the rarest."""
        return self.rarity(self.frequency.get(term, 0))

    def rarity(self, count: float) -> float:
        count = min(count, self.passages)
        return math.log(1 + (self.passages - count + 0.5) / (count + 0.5))

    @cached_property
    def sorted_words(self) -> list[str]:
        return sorted(self.spellings)

    def words_beginning_with(self, prefix: str) -> list[str]:
        start = bisect_left(self.sorted_words, prefix)
        return [word for word in self.sorted_words[start : start + MOST_ENDINGS] if word.startswith(prefix)]

    @cached_property
    def masks(self) -> dict[tuple[str, int], list[tuple[int, str]]]:
        """By first letter and length, words with the set of their letters as bits: a cheap first look."""
        table: dict[tuple[str, int], list[tuple[int, str]]] = {}
        for word in self.spellings:
            table.setdefault((word[0], len(word)), []).append((letters(word), word))
        return table

    def similar_to(self, word: str, distance: int) -> Iterator[str]:
        """Words that may be within this many typing mistakes. Hardly anybody mistypes the first letter."""
        mask, most = letters(word), 2 * distance
        for length in range(len(word) - distance, len(word) + distance + 1):
            for first in {word[0], word[1]}:
                for other, spelling in self.masks.get((first, length), ()):
                    if (mask ^ other).bit_count() <= most:
                        yield spelling

    def entries(self, keys: Iterable[int]) -> list[Entry]:
        keys = list(keys)
        missing = [key for key in keys if key not in self._entries]
        for row in Passage.objects.filter(pk__in=missing).values_list(*COLUMNS) if missing else ():
            self._entries[row[0]] = entry(*row)
        found = [known for key in keys if (known := self._entries.get(key))]
        while len(self._entries) > KEPT_PASSAGES:
            self._entries.popitem(last=False)
        return found


def letters(word: str) -> int:
    mask = 0
    for char in word:
        mask |= 1 << (ord(char) & 63)
    return mask


def entry(pk: int, document: int, title: str, heading: str, body: str) -> Entry:
    positions: Positions = {}
    terms = body.split()
    for position, term in enumerate(terms):
        positions.setdefault(term, []).append(position)
    titles, headings = frozenset(title.split()), frozenset(heading.split())
    weights = {term: float(len(places)) for term, places in positions.items()}
    for group, weight in ((titles, TITLE), (headings, HEADING)):
        for term in group:
            weights[term] = weights.get(term, 0.0) + weight
    return Entry(pk, document, titles, headings, positions, weights, len(terms))


_current: Snapshot | None = None


def current() -> Snapshot:
    """The corpus as it is. One small query tells whether what is remembered still holds."""
    global _current
    snapshot, stamp = _current, read_stamp()
    if snapshot is not None and (snapshot.stamp == stamp or is_recent(snapshot)):
        return snapshot
    started = time.monotonic()
    loaded = load(stamp)
    loaded.loaded_at = time.monotonic()
    loaded.cost = loaded.loaded_at - started
    _current = loaded
    return loaded


def is_recent(snapshot: Snapshot) -> bool:
    """While a big corpus is being ingested, searching must not read all of it again after each document."""
    return snapshot.cost > QUICK and time.monotonic() - snapshot.loaded_at < PATIENCE * snapshot.cost


def read_stamp() -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT stamp FROM knowledge_corpus WHERE id = 1")
        row = cursor.fetchone()
    return row[0] if row else None


def load(stamp: int | None) -> Snapshot:
    with connection.cursor() as cursor:
        cursor.execute(VOCABULARY[connection.vendor])
        frequency = dict(cursor.fetchall())
        cursor.execute("SELECT COUNT(*), COALESCE(AVG(LENGTH(body_terms)), 0) FROM knowledge_passage")
        passages, letters_each = cursor.fetchone()
    spellings: dict[str, set[str]] = {}
    for word, term in Spelling.objects.values_list("word", "term"):
        if term in frequency:
            spellings.setdefault(word, set()).add(term)
    return Snapshot(
        stamp=stamp,
        frequency=frequency,
        passages=passages,
        # A term and the space after it take about six characters; only the ratio to other passages matters.
        average_length=max(1.0, float(letters_each) / 6),
        has_drafts=Document.objects.filter(is_published=False).exists(),
        spellings=spellings,
    )
