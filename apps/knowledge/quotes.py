"""What to quote of a passage: whole blocks where they are short, the telling sentences where they are long."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apps.knowledge.languages import words

Weights = Mapping[str, float]
SENTENCE_END = re.compile(r"[.!?…]+[\"”»)*]*\s+(?=[\"“«(*`]*[A-Z0-9À-ÞА-Я])|[。！？]")
ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no|Dr|Mr|Mrs|Ms|bzw|ca|z\.\s?B|d\.\s?h|p\.\s?ex)\.)$")
WHOLE, MOST_ITEMS, FEW_ROWS = 600, 10, 6
CELL = " | "
# An empty last cell leaves its stroke at the end of the line.
CELL_END = re.compile(r" \|(?= |$)")


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph, list, table or code block as it stands in the passage."""

    text: str
    is_code: bool = False
    is_list: bool = False

    @property
    def rows(self) -> list[list[str]]:
        """Of a table, its heading first; none where the lines do not have the same cells."""
        rows = [] if self.is_code else [cells(line) for line in self.text.split("\n")]
        return rows if len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1 else []


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in CELL_END.split(line)]


def parts(text: str) -> Iterator[Part]:
    code: list[str] = []
    fence = ""
    for chunk in text.split("\n\n"):
        if fence:
            code.append(chunk)
            if chunk.endswith(f"\n{fence}"):
                yield Part("\n\n".join(code), is_code=True)
                fence, code = "", []
        elif opened := re.match(r"`{3,}", chunk):
            if chunk.endswith(f"\n{opened[0]}") and chunk.count("\n") > 0:
                yield Part(chunk, is_code=True)
            else:
                fence, code = opened[0], [chunk]
        elif chunk.strip():
            yield Part(chunk, is_list=chunk.startswith("- "))
    if code:
        yield Part("\n\n".join([*code, fence]), is_code=True)


def sentences(text: str) -> list[str]:
    found: list[str] = []
    start = 0
    for end in SENTENCE_END.finditer(text):
        if not ABBREVIATION.search(text[start : end.end()].rstrip()):
            found.append(text[start : end.end()].strip())
            start = end.end()
    return [*found, text[start:].strip()] if text[start:].strip() else found


def telling(text: str, weights: Weights, language: str) -> float:
    """How much of the question a piece of text speaks about."""
    return sum(weights[term] for term in {word.term for word in words(text, language)} if term in weights)


def quote(text: str, weights: Weights, language: str, *, room: int) -> list[str]:
    """Blocks of Markdown from a passage in its own order, in about this many characters; code is never cut."""
    found = list(parts(text))
    if sum(len(part.text) for part in found if not part.is_code) <= min(room, WHOLE):
        return [shortened(part, weights, language, WHOLE) for part in found]
    scores = [telling(part.text, weights, language) for part in found]
    best = max(range(len(found)), key=lambda index: (scores[index], -index))
    chosen = {best}
    # A list or code explains the paragraph before it, and the other way round.
    for index in (best + 1, best - 1):
        if 0 <= index < len(found) and (found[index].is_code or found[index].is_list or found[best].is_code):
            chosen.add(index)
    return [shortened(found[index], weights, language, room) for index in sorted(chosen)]


def shortened(part: Part, weights: Weights, language: str, room: int) -> str:
    if rows := part.rows:
        return table(rows, weights, language)
    if part.is_code or len(part.text) <= room:
        return part.text
    if "\n" in part.text:
        return "\n".join(part.text.split("\n")[:MOST_ITEMS])
    return " ".join(best_run(sentences(part.text), weights, language, room))


def table(rows: list[list[str]], weights: Weights, language: str) -> str:
    """As Markdown; of a long one the rows that say most, in their order."""
    heading, *body = rows
    values = [telling(CELL.join(row), weights, language) for row in body]
    enough = max(values) / 2 if len(body) > FEW_ROWS else 0.0
    kept = [row for row, value in zip(body, values, strict=True) if value >= enough][:FEW_ROWS]
    lines = [heading, ["---"] * len(heading), *kept]
    return "\n".join("| " + CELL.join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def best_run(found: list[str], weights: Weights, language: str, room: int) -> list[str]:
    """Neighbouring sentences that say most, so that the quotation reads as it was written."""
    values = [telling(sentence, weights, language) for sentence in found]
    start = max(range(len(found)), key=lambda index: (values[index], -index))
    end, length = start + 1, len(found[start])
    while end < len(found) and length + len(found[end]) < room:
        length += len(found[end])
        end += 1
    while start > 0 and length + len(found[start - 1]) < room:
        start -= 1
        length += len(found[start])
    return found[start:end]
