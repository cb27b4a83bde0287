"""What people say besides asking, in the languages that are recognised, and when a question leans on an earlier one."""

from collections.abc import Sequence
from functools import lru_cache

from apps.knowledge.languages import SNOWBALL, read_lines, stop_words, words

KINDS = ("hello", "thanks", "bye", "who")
# Longer than this is a question, whatever it begins with.
LONGEST_SMALL_TALK = 9
FEW = 2
EARLIER = 3
Turns = Sequence[tuple[str, str]]


@lru_cache
def talk(language: str) -> dict[str, str]:
    rows = (line.partition(" = ") for line in read_lines(f"{language}.talk"))
    return {name.strip(): value.strip() for name, _, value in rows}


@lru_cache
def phrases(language: str, kind: str) -> frozenset[tuple[str, ...]]:
    return frozenset(spoken(entry) for entry in talk(language).get(kind, "").split(","))


def spoken(text: str) -> tuple[str, ...]:
    """The words without accents, case and punctuation."""
    return tuple(word.plain for word in words(text, ""))


def say(what: str, language: str) -> str:
    return talk(language if language in SNOWBALL else "en")[f"say {what}"]


def language_of(text: str, default: str) -> str:
    """The language whose small words the text uses most; a cheap guess that prefers the site's own."""
    found = set(spoken(text[:500]))
    counts = {language: len(found & stop_words(language)) for language in SNOWBALL}
    best = max(counts, key=lambda language: (counts[language], language == default))
    return best if counts[best] > counts[default] else default


def small_talk(text: str, language: str) -> str | None:
    """The reply to a greeting, thanks and the like; None for everything that asks about something."""
    said = spoken(text[:400])
    if len(said) > LONGEST_SMALL_TALK:
        return None
    for tongue in (language, *(other for other in SNOWBALL if other != language)):
        for kind in reversed(KINDS):
            if is_made_of(said, tongue, kind):
                return say(kind, tongue)
    return None


def is_made_of(said: tuple[str, ...], language: str, kind: str) -> bool:
    """`Hello! Who are you?` is a greeting and a question; the last part decides."""
    if said in phrases(language, kind):
        return True
    return any(
        said[:cut] in phrases(language, opening) and said[cut:] in phrases(language, kind)
        for cut in range(1, len(said))
        for opening in KINDS
    )


def is_follow_up(text: str, language: str) -> bool:
    """Whether it can only be understood with what was said before: `and how do I turn it off?`"""
    said = spoken(text)
    content = [word for word in said if word not in stop_words(language)]
    if not said or len(content) > 2 * FEW + 2:
        return False
    pointing = phrases(language, "follow")
    points = any((word,) in pointing for word in said) or said[:2] in pointing
    return points or len(content) < FEW


def context_of(question: str, turns: Turns, language: str) -> str:
    """The earlier questions that this one leans on, back to one that stands by itself."""
    if not is_follow_up(question, language):
        return ""
    asked = [text for role, text in turns if role == "user"]
    found: list[str] = []
    for text in reversed(asked[-EARLIER:]):
        if small_talk(text, language) is None:
            found.append(text)
            if not is_follow_up(text, language):
                break
    return "\n".join(found)
