"""Which passages answer a question best. The same on every database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.knowledge.corpus import Entry, Snapshot
from apps.knowledge.questions import Concept, Question

SATURATION = 1.2
LENGTH = 0.5
PAGE = 0.5
COVERED = 0.4
NEAR, NEAR_WORDS = 0.25, 8
PHRASE = 4.0
# Looking at where words stand is worth it only for passages that could still come first.
LOOKED_AT = 16
# Passages and words that a first ranking is believed to be about, and how much those words count.
BELIEVED, LEARNED, LEARNED_WEIGHT = 5, 8, 0.2
# How much a match counts for the score that people see: a title or heading is about it, a text may only mention it.
ABOUT, MENTIONED = 1.0, 0.65

Counts = dict[int, float]
Index = Mapping[str, Sequence[tuple[int, float]]]


@dataclass(slots=True)
class Ranked:
    entry: Entry
    counts: Counts
    value: float = 0.0
    score: float = 0.0


def rank(question: Question, entries: Iterable[Entry], corpus: Snapshot) -> list[Ranked]:
    """Best first. A passage speaks for itself, and the other passages of its page speak for it."""
    concepts = question.concepts
    index = index_of(concepts)
    rows = [Ranked(entry, counted(entry, index)) for entry in entries]
    pages: dict[int, list[Ranked]] = defaultdict(list)
    for row in rows:
        pages[row.entry.document].append(row)
    total = sum(concept.weight for concept in concepts)
    for members in pages.values():
        together = PAGE * page_value(members, concepts)
        for row in members:
            row.value = together + passage_value(row, concepts, total, corpus)
    rows.sort(key=order)
    look_closer(rows, question, corpus)
    rows.sort(key=order)
    give_scores(rows, concepts)
    return rows


def look_closer(rows: Sequence[Ranked], question: Question, corpus: Snapshot) -> None:
    for row in rows[:LOOKED_AT]:
        row.value += nearness(row, question.concepts) + PHRASE * phrases_in(row.entry, question.phrases)
    further = learned(sorted(rows[:LOOKED_AT], key=order), index_of(question.concepts), corpus)
    for row in rows:
        known = further.keys() & row.entry.weights.keys()
        row.value += sum(further[term] * saturated(row.entry.weights[term], 1.0) for term in known)


def order(row: Ranked) -> tuple[float, int]:
    return -row.value, row.entry.pk


def index_of(concepts: Sequence[Concept]) -> Index:
    index: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, concept in enumerate(concepts):
        for term, strength in concept.terms.items():
            index[term].append((number, strength))
    return index


def counted(entry: Entry, index: Index) -> Counts:
    """How often each concept occurs in a passage, by its most telling term."""
    counts: Counts = {}
    for term in entry.weights.keys() & index.keys():
        weight = entry.weights[term]
        for number, strength in index[term]:
            if strength * weight > counts.get(number, 0.0):
                counts[number] = strength * weight
    return counts


def saturated(count: float, norm: float) -> float:
    return count * (SATURATION + 1) / (count + SATURATION * norm)


def passage_value(row: Ranked, concepts: Sequence[Concept], total: float, corpus: Snapshot) -> float:
    norm = 1 - LENGTH + LENGTH * (row.entry.length / corpus.average_length)
    value = present = 0.0
    for number, count in row.counts.items():
        weight = concepts[number].weight
        value += weight * saturated(count, norm)
        present += weight
    return value * (1 + COVERED * present / (total or 1.0))


def page_value(members: Sequence[Ranked], concepts: Sequence[Concept]) -> float:
    """The page as one text: a question's words may be spread over its passages."""
    sums: Counts = defaultdict(float)
    for row in members:
        for number, count in row.counts.items():
            sums[number] += saturated(count, 1.0)
    return sum(concepts[number].weight * saturated(count, 1.0) for number, count in sums.items())


def nearness(row: Ranked, concepts: Sequence[Concept]) -> float:
    """Words of the question that stand close together belong together."""
    places = [(concepts[number].weight, best_positions(row.entry, concepts[number])) for number in row.counts]
    places = [place for place in places if place[1]]
    value = 0.0
    for index, (weight, positions) in enumerate(places):
        for other_weight, others in places[index + 1 :]:
            gap = closest(positions, others)
            if gap <= NEAR_WORDS:
                value += NEAR * min(weight, other_weight) * (1 - gap / (NEAR_WORDS + 1))
    return value


def best_positions(entry: Entry, concept: Concept) -> Sequence[int]:
    found = [(strength, term) for term, strength in concept.terms.items() if term in entry.body]
    return entry.body[max(found)[1]] if found else ()


def closest(ones: Sequence[int], others: Sequence[int]) -> int:
    """The smallest distance between two sorted lists of positions."""
    i = j = 0
    best = NEAR_WORDS + 1
    while i < len(ones) and j < len(others):
        best = min(best, abs(ones[i] - others[j]) or 1)
        if ones[i] < others[j]:
            i += 1
        else:
            j += 1
    return best


def phrases_in(entry: Entry, phrases: Sequence[Sequence[str]]) -> int:
    return sum(has_phrase(entry, phrase) for phrase in phrases)


def has_phrase(entry: Entry, phrase: Sequence[str]) -> bool:
    later = [set(entry.body.get(term, ())) for term in phrase[1:]]
    return any(
        all(start + offset in places for offset, places in enumerate(later, 1))
        for start in entry.body.get(phrase[0], ())
    )


def learned(ranked: Sequence[Ranked], asked: Index, corpus: Snapshot) -> dict[str, float]:
    """Terms that the first passages share: what the documents themselves say along with the question's words."""
    values: dict[str, float] = defaultdict(float)
    holders: dict[str, int] = defaultdict(int)
    for row in ranked[:BELIEVED]:
        trust = row.value / (ranked[0].value or 1.0)
        for term in row.entry.weights.keys() - asked.keys():
            values[term] += trust * saturated(row.entry.weights[term], 1.0)
            holders[term] += 1
    shared = {term: value * corpus.weight(term) for term, value in values.items() if holders[term] > 1}
    best = sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:LEARNED]
    return {term: LEARNED_WEIGHT * corpus.weight(term) for term, _ in best}


def give_scores(ranked: Sequence[Ranked], concepts: Sequence[Concept]) -> None:
    """The first one's score is how much of the question it speaks about; the others' are relative to it."""
    if not ranked or not ranked[0].value:
        return
    level = max(spoken_about(row.entry, concepts) for row in ranked[:3])
    for row in ranked:
        row.score = round(level * row.value / ranked[0].value, 4)


def spoken_about(entry: Entry, concepts: Sequence[Concept]) -> float:
    """0 to 1: the share of the question, by weight, that the passage is about or at least mentions."""
    total = sum(concept.weight * concept.share for concept in concepts)
    if not total:
        return 0.0
    return sum(concept.weight * concept.share * aboutness(entry, concept) for concept in concepts) / total


def aboutness(entry: Entry, concept: Concept) -> float:
    best = 0.0
    for term, strength in concept.terms.items():
        if term in entry.title or term in entry.heading:
            best = max(best, strength * ABOUT)
        elif term in entry.body:
            best = max(best, strength * MENTIONED)
    return best
