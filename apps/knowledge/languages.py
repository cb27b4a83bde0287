"""From text to the terms that are searched. Passages and questions go through the same function."""

import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import snowballstemmer

WORDS = Path(__file__).parent / "words"
LONGEST_WORD = 64
SNOWBALL = {
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}

# Scripts that put no spaces between words; each pair of neighbours stands for a word.
UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
WORD = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")
IS_UNSPACED = re.compile(rf"[{UNSPACED}]")
# `log-in`, `e-mail`, `wi-fi`: people write these in one word as well.
HYPHEN = re.compile(r"[-\u2010\u2011]")
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it stands in a text: where, its plain spelling, and the term that is searched for it."""

    start: int
    end: int
    plain: str
    term: str


@lru_cache
def stemmer(language: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(SNOWBALL.get(language, "english"))


@lru_cache(65_536)
def stem(word: str, language: str) -> str:
    """The stemmer keeps the word at hand in itself, hence one thread at a time; nearly every call is a hit."""
    if language not in SNOWBALL or not word.isalpha():
        return word
    with _one_at_a_time:
        return str(stemmer(language).stemWord(word)) or word


@lru_cache(65_536)
def plain(word: str) -> str:
    """Lower case without accents, as people type it."""
    decomposed = unicodedata.normalize("NFKD", word).lower()
    return "".join(char for char in decomposed if not unicodedata.combining(char))[:LONGEST_WORD]


def words(text: str, language: str) -> Iterator[Word]:
    """The words of a text, and after a hyphenated pair also the pair as one word."""
    previous: Word | None = None
    for match in WORD.finditer(text):
        if IS_UNSPACED.match(match[0]):
            yield from pairs(match)
            previous = None
            continue
        spelling = plain(match[0])
        if not spelling.isalnum():
            continue
        word = Word(match.start(), match.end(), spelling, plain(stem(match[0].lower()[:LONGEST_WORD], language)))
        yield word
        if previous and HYPHEN.fullmatch(text, previous.end, word.start):
            joined = (previous.plain + word.plain)[:LONGEST_WORD]
            yield Word(previous.start, word.end, joined, stem(joined, language))
        previous = word


def pairs(match: re.Match[str]) -> Iterator[Word]:
    text = match[0]
    for index in range(max(1, len(text) - 1)):
        pair = text[index : index + 2]
        yield Word(match.start() + index, match.start() + index + len(pair), pair, pair)


def terms(text: str, language: str) -> list[str]:
    return [word.term for word in words(text, language)]


def read_lines(name: str) -> list[str]:
    path = WORDS / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line for line in lines if line and not line.startswith("#")]


@lru_cache
def stop_words(language: str) -> frozenset[str]:
    """Words that ask rather than name."""
    return frozenset(plain(word) for line in read_lines(f"{language}.stop") for word in line.split())


Phrase = tuple[str, ...]


@lru_cache
def synonyms(language: str) -> dict[Phrase, frozenset[Phrase]]:
    """For a word or phrase, in terms, what else it is called."""
    groups: dict[Phrase, set[Phrase]] = {}
    for line in read_lines(f"{language}.synonyms"):
        phrases = {tuple(terms(entry, language)) for entry in line.split(",")}
        for phrase in phrases:
            groups.setdefault(phrase, set()).update(phrases - {phrase})
    return {phrase: frozenset(others) for phrase, others in groups.items()}


@lru_cache
def longest_phrase(language: str) -> int:
    return max(map(len, synonyms(language)), default=1)
