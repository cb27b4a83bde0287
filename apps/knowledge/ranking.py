"""Which passages answer a question best. The same on every database."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.knowledge.corpus import Entry, Snapshot
from apps.knowledge.questions import Concept, Question

TITLE, HEADING = 3.0, 2.5
SATURATION = 1.2
LENGTH = 0.5
PAGE = 0.5
NEAR, NEAR_WORDS = 0.25, 8
COVERED = 0.6
PHRASE = 4.0
# How much a match counts for the score that people see: a title or heading is about it, a text may only mention it.
ABOUT, MENTIONED = 1.0, 0.65


@dataclass(slots=True)
class Ranked:
    entry: Entry
    value: float
    score: float = 0.0


def rank(question: Question, entries: Iterable[Entry], corpus: Snapshot) -> list[Ranked]:
    """Best first. A passage speaks for itself, and the other passages of its page speak for it."""
    pages: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        pages[entry.document].append(entry)
    ranked: list[Ranked] = []
    for members in pages.values():
        together = PAGE * page_value(members, question.concepts)
        ranked.extend(Ranked(entry, together + passage_value(entry, question, corpus)) for entry in members)
    ranked.sort(key=lambda row: (-row.value, row.entry.pk))
    return scored(ranked, question.concepts)


def occurrences(entry: Entry, concept: Concept) -> float:
    """How often a concept occurs, by field."""
    found = 0.0
    for term, strength in concept.terms.items():
        count = float(len(entry.body.get(term, ())))
        if term in entry.title:
            count += TITLE
        if term in entry.heading:
            count += HEADING
        found = max(found, strength * count) if count else found
    return found


def saturated(found: float, norm: float) -> float:
    return found * (SATURATION + 1) / (found + SATURATION * norm)


def passage_value(entry: Entry, question: Question, corpus: Snapshot) -> float:
    norm = 1 - LENGTH + LENGTH * (entry.length / corpus.average_length)
    value = total = present = 0.0
    for concept in question.concepts:
        found = occurrences(entry, concept)
        total += concept.weight
        if found:
            value += concept.weight * saturated(found, norm)
            present += concept.weight
    value *= 1 + COVERED * present / total if total else 1
    return value + nearness(entry, question.concepts) + PHRASE * phrases_in(entry, question.phrases)


def page_value(members: Sequence[Entry], concepts: Sequence[Concept]) -> float:
    """The page as one text: a question's words may be spread over its passages."""
    value = 0.0
    for concept in concepts:
        found = sum(saturated(count, 1.0) for entry in members if (count := occurrences(entry, concept)))
        value += concept.weight * saturated(found, 1.0)
    return value


def nearness(entry: Entry, concepts: Sequence[Concept]) -> float:
    """Words of the question that stand close together belong together."""
    places = [(concept.weight, best_positions(entry, concept)) for concept in concepts]
    places = [place for place in places if place[1]]
    value = 0.0
    for index, (weight, positions) in enumerate(places):
        for other_weight, others in places[index + 1 :]:
            gap = closest(positions, others)
            if gap <= NEAR_WORDS:
                value += NEAR * min(weight, other_weight) * (1 - gap / (NEAR_WORDS + 1))
    return value


def best_positions(entry: Entry, concept: Concept) -> list[int]:
    found = [(strength, entry.body[term]) for term, strength in concept.terms.items() if term in entry.body]
    return max(found)[1] if found else []


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


def scored(ranked: list[Ranked], concepts: Sequence[Concept]) -> list[Ranked]:
    """The first one's score is how much of the question it speaks about; the others' are relative to it."""
    if not ranked:
        return ranked
    first = ranked[0]
    level = max(spoken_about(row.entry, concepts) for row in ranked[:3])
    for row in ranked:
        row.score = round(level * row.value / first.value, 4) if first.value else 0.0
    return ranked


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
