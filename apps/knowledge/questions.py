"""From a question to concepts: what is asked about, and every term that may stand for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from apps.knowledge.corpus import Snapshot
from apps.knowledge.languages import LONGEST_WORD, Phrase, longest_phrase, stop_words, synonyms, terms, words

LONGEST_QUESTION = 8_000
MOST_WORDS = 60
MOST_CONCEPTS = 14
MOST_TERMS = 12
QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{2,200})[\"”“»]")

EXACT = 1.0
JOINED = 0.9
CORRECTED = 0.8
BEGINNING = 0.6
SYNONYM = 0.3
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


def concepts_of(text: str, corpus: Snapshot, language: str) -> list[Concept]:
    asked = [Asked(word.plain, word.term) for word in words(text[:LONGEST_QUESTION], language)][:MOST_WORDS]
    stops = stop_words(language)
    concepts: dict[str, Concept] = {}
    index = 0
    while index < len(asked):
        group = asked[index : index + phrase_at(asked, index, language)]
        index += len(group)
        others = synonyms(language).get(tuple(word.term for word in group), frozenset())
        named = [word for word in group if word.plain not in stops]
        # A saying made of small words only, such as `how much`, still names something.
        for word in named or (group[:1] if len(group) > 1 else []):
            concepts.setdefault(word.term, concept(word, others, corpus))
    if not concepts:
        concepts = {word.term: concept(word, frozenset(), corpus) for word in asked}
    join_neighbours(asked, concepts, corpus)
    return list(concepts.values())


def phrase_at(asked: Sequence[Asked], index: int, language: str) -> int:
    """How many words from here on are one saying, such as `turn off`."""
    known = synonyms(language)
    for size in range(min(longest_phrase(language), len(asked) - index), 1, -1):
        if tuple(word.term for word in asked[index : index + size]) in known:
            return size
    return 1


def concept(word: Asked, others: frozenset[Phrase], corpus: Snapshot) -> Concept:
    found = standing_for(word, corpus)
    for other in sorted(others):
        if len(other) == 1 and other[0] in corpus.frequency:
            found.setdefault(other[0], SYNONYM)
    strongest = dict(sorted(found.items(), key=lambda item: -item[1])[:MOST_TERMS])
    return Concept(strongest, importance(strongest, corpus))


def importance(found: dict[str, float], corpus: Snapshot) -> float:
    """Rare things tell more. What has many names is as frequent as all of them together."""
    return corpus.rarity(sum(corpus.frequency.get(term, 0) * strength**2 for term, strength in found.items()))


def standing_for(word: Asked, corpus: Snapshot) -> dict[str, float]:
    """The word's own term; for a word that no passage contains, what it begins or what was meant."""
    found = {word.term: EXACT}
    if word.term in corpus.frequency:
        return found
    if len(word.plain) >= 3:
        for spelling in corpus.words_beginning_with(word.plain):
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


def join_neighbours(asked: Sequence[Asked], concepts: dict[str, Concept], corpus: Snapshot) -> None:
    """`time out` may be `timeout` in the documents: either word then also stands for the whole."""
    for first, second in pairwise(asked):
        joined = corpus.spellings.get((first.plain + second.plain)[:LONGEST_WORD], ())
        for term in (first.term, second.term):
            if joined and term in concepts:
                concepts[term].terms.update(dict.fromkeys(joined, JOINED))
