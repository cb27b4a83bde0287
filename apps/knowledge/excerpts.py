"""The part of a passage that shows why it was found."""

import re
from collections.abc import Mapping, Sequence

from apps.knowledge.languages import Word, words

LONGEST_EXCERPT = 200
BLOCK_MARKS = re.compile(r"^(?:`{3,}[\w+#-]*|- )", re.MULTILINE)
INLINE_MARKS = re.compile(r"\*\*|`")


def excerpt(text: str, weights: Mapping[str, float], language: str) -> str:
    """At most 200 characters around the words that matched, cut between words."""
    plain = " ".join(INLINE_MARKS.sub("", BLOCK_MARKS.sub(" ", text)).split())
    if len(plain) <= LONGEST_EXCERPT:
        return plain
    found = [word for word in words(plain, language) if word.term in weights]
    start = best_start(plain, found, weights)
    return cut(plain, start)


def best_start(text: str, found: Sequence[Word], weights: Mapping[str, float]) -> int:
    """Where a window begins that shows the most: each term counts once."""
    best, start = 0.0, 0
    width = LONGEST_EXCERPT - 20
    for index, word in enumerate(found):
        inside = {other.term for other in found[index:] if other.end <= word.start + width}
        value = sum(weights[term] for term in inside)
        if value > best:
            best, start = value, word.start
    return sentence_start(text, start)


def sentence_start(text: str, start: int) -> int:
    """The beginning of the sentence if it is near, else a few words before the match."""
    before = text[max(0, start - 80) : start]
    ends = [match.end() for match in re.finditer(r"[.!?:] ", before)]
    if ends:
        return max(0, start - 80) + ends[-1]
    return 0 if start <= 80 else text.find(" ", start - 40) + 1


def cut(text: str, start: int) -> str:
    prefix = "… " if start else ""
    room = LONGEST_EXCERPT - len(prefix)
    rest = text[start:]
    if len(rest) <= room:
        return prefix + rest
    short = rest[: room - 1].rpartition(" ")[0] or rest[: room - 2]
    return f"{prefix}{short.rstrip(' ,;:-')}…"
