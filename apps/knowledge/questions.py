"""From a question to concepts: what is asked about, and every term that may stand for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from apps.knowledge.corpus import Snapshot
from apps.knowledge.languages import LONGEST_WORD, Phrase, longest_phrase, plain, stop_words, synonyms, terms, words

LONGEST_QUESTION = 8_000
MOST_WORDS = 60
MOST_CONCEPTS = 14
MOST_TERMS = 8
QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{2,200})[\"”“»]")

EXACT = 1.0
JOINED = 0.9
CORRECTED = 0.8
BEGINNING = 0.6
SYNONYM = 0.45
CONTEXT = 0.4


@dataclass(slots=True)
class Concept:
    """One thing that is asked about. `terms` maps what may stand for it to how surely."""

    terms: dict[str, float]
    weight: float
    share: float = 1.0


@dataclass(slots=True)
class Question:
    concepts: list[Concept]
    phrases: list[list[str]] = field(default_factory=list)

    def term_weights(self) -> dict[str, float]:
        """Each term once, with the most that it counts for in any concept."""
        weights: dict[str, float] = {}
        for concept in self.concepts:
            for term, strength in concept.terms.items():
                weights[term] = max(weights.get(term, 0.0), strength * concept.weight)
        return weights


@dataclass(frozen=True, slots=True)
class Asked:
    """One word of the question: its spelling and its term."""

    plain: str
    term: str
    is_last: bool = False


def understand(text: str, corpus: Snapshot, *, language: str, context: str = "") -> Question:
    """Never fails: whatever is typed is words, and words are only ever compared."""
    concepts = list(concepts_of(text, corpus, language))
    if context:
        known = {term for concept in concepts for term in concept.terms}
        for concept in concepts_of(context, corpus, language):
            if not known & {term for term, strength in concept.terms.items() if strength == EXACT}:
                concept.weight *= CONTEXT
                concept.share = 0.0
                concepts.append(concept)
    concepts.sort(key=lambda concept: -concept.weight)
    phrases = [terms(match[1], language) for match in QUOTED.finditer(text[:LONGEST_QUESTION])]
    return Question(concepts[:MOST_CONCEPTS], [phrase for phrase in phrases if len(phrase) > 1])


def content_words(text: str, language: str) -> list[Asked]:
    """The question's words, those that only ask left out; when nothing else is left, they are what is asked about."""
    found = [Asked(word.plain, word.term) for word in words(text[:LONGEST_QUESTION], language)][:MOST_WORDS]
    kept = [word for word in found if word.plain not in stop_words(language)]
    return kept or found


def concepts_of(text: str, corpus: Snapshot, language: str) -> "list[Concept]":
    asked = [Asked(word.plain, word.term) for word in words(text[:LONGEST_QUESTION], language)][:MOST_WORDS]
    stops = stop_words(language)
    concepts: dict[tuple[str, ...], Concept] = {}
    index = 0
    while index < len(asked):
        size = phrase_at(asked, index, language)
        group = asked[index : index + size]
        index += size
        if size == 1 and group[0].plain in stops:
            continue
        key = tuple(word.term for word in group)
        if key not in concepts:
            concepts[key] = concept(group, corpus, language, stops)
    if not concepts:
        concepts = {(word.term,): concept([word], corpus, language, frozenset()) for word in asked}
    join_neighbours(asked, concepts, corpus)
    return list(concepts.values())


def phrase_at(asked: Sequence[Asked], index: int, language: str) -> int:
    """How many words from here on are one saying, such as `turn off`."""
    known = synonyms(language)
    for size in range(min(longest_phrase(language), len(asked) - index), 1, -1):
        if tuple(word.term for word in asked[index : index + size]) in known:
            return size
    return 1


def concept(group: Sequence[Asked], corpus: Snapshot, language: str, stops: frozenset[str]) -> Concept:
    found: dict[str, float] = {}
    for word in group:
        if word.plain in stops:
            continue
        strength = EXACT if len(group) == 1 else JOINED
        for term, certainty in standing_for(word, corpus).items():
            found[term] = max(found.get(term, 0.0), certainty * strength)
    phrase = tuple(word.term for word in group)
    for other in sorted(synonyms(language).get(phrase, ())):
        add_synonym(other, found, corpus)
    strongest = sorted(found.items(), key=lambda item: -item[1])[:MOST_TERMS]
    return Concept(dict(strongest), importance(phrase, found, corpus))


def importance(phrase: Phrase, found: dict[str, float], corpus: Snapshot) -> float:
    """That of its best known term; of a word that nothing contains, that of a rare one."""
    known = [(strength, corpus.weight(term)) for term, strength in found.items() if term in corpus.frequency]
    if not known:
        return corpus.weight(phrase[0])
    best = max(strength for strength, _ in known)
    return max(weight for strength, weight in known if strength == best)


def add_synonym(other: Phrase, found: dict[str, float], corpus: Snapshot) -> None:
    if len(other) == 1 and other[0] in corpus.frequency:
        found.setdefault(other[0], SYNONYM)


def standing_for(word: Asked, corpus: Snapshot) -> dict[str, float]:
    """The word's own term; for a word that no passage contains, what it begins or what was meant."""
    found = {word.term: EXACT}
    if word.term in corpus.frequency:
        return found
    if len(word.plain) >= 3:
        for spelling in corpus.beginning_with(word.plain, MOST_TERMS):
            found.update(dict.fromkeys(corpus.spellings[spelling], BEGINNING))
    if len(found) == 1:
        found.update(split_word(word.plain, corpus))
    if len(found) == 1:
        for spelling in corrections(word.plain, corpus):
            found.update(dict.fromkeys(corpus.spellings[spelling], CORRECTED))
    return found


def split_word(word: str, corpus: Snapshot) -> dict[str, float]:
    """`darkmode` is written apart by others."""
    for cut in range(3, len(word) - 2):
        first, second = corpus.spellings.get(word[:cut]), corpus.spellings.get(word[cut:])
        if first and second:
            return dict.fromkeys((*first, *second), CORRECTED)
    return {}


def corrections(word: str, corpus: Snapshot) -> list[str]:
    """The words of the corpus that take fewest typing mistakes to become this one."""
    if len(word) < 4 or not word.isalpha():
        return []
    allowed = 1 if len(word) < 8 else 2
    measured = [(distance(word, other, allowed), other) for other in corpus.similar_to(word, allowed)]
    near = sorted((far, other[0] != word[0], other) for far, other in measured if far <= allowed)
    return [other for far, _, other in near if far == near[0][0]][:3]


def distance(one: str, other: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours; stops counting past the limit."""
    before: list[int] = []
    previous = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        row = [i]
        for j, against in enumerate(other, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (char != against))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, previous = previous, row
    return previous[-1]


def join_neighbours(asked: Sequence[Asked], concepts: dict[tuple[str, ...], Concept], corpus: Snapshot) -> None:
    """`time out` may be `timeout` in the documents: either word then also stands for the whole."""
    for first, second in pairwise(asked):
        joined = corpus.spellings.get((first.plain + second.plain)[:LONGEST_WORD], ())
        for key in ((first.term,), (second.term,), (first.term, second.term)):
            if key in concepts:
                concepts[key].terms.update(dict.fromkeys(joined, JOINED))


__all__ = ["Concept", "Question", "content_words", "plain", "understand"]
