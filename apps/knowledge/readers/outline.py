"""What every reader makes of a file: a page with a title, and text under headings."""

import re
from dataclasses import dataclass, field
from enum import Enum

# Real pages stay far below; whoever is above would fill the memory.
MOST_BLOCKS = 20_000
LONGEST_HEADING = 300
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


class Unreadable(Exception):
    """One file or address that could not be ingested; the message says why and goes to the owner's terminal."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class Kind(Enum):
    TEXT = "text"
    ITEM = "item"
    CODE = "code"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Block:
    kind: Kind
    text: str
    note: str = ""

    def markdown(self) -> str:
        if self.kind is Kind.CODE:
            fence = "```" + "`" * max((len(run) - 2 for run in re.findall("`{3,}", self.text)), default=0)
            return f"{fence}{self.note}\n{self.text}\n{fence}"
        return f"- {self.text}" if self.kind is Kind.ITEM else self.text

    def joins(self, previous: "Block") -> bool:
        """List items and table rows stand directly under each other."""
        return self.kind is previous.kind and self.kind in {Kind.ITEM, Kind.ROW}


@dataclass(slots=True)
class Section:
    headings: tuple[str, ...]
    anchor: str
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    title: str
    sections: list[Section]
    language: str = ""
    url: str = ""


def one_line(text: str) -> str:
    return " ".join(CONTROL.sub(" ", text).split())


def without_controls(text: str) -> str:
    return CONTROL.sub("", text)


def slug(text: str) -> str:
    """The anchor that GitHub and most site generators give a Markdown heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")[: LONGEST_HEADING - 10]


class Outline:
    """Collects headings and blocks in reading order. The first top heading is the title, unless one is given."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self.sections = [Section((), "")]
        self._stack: list[tuple[int, str]] = []
        self._anchors: dict[str, int] = {}
        self._count = 0
        self._saw_top = False

    def heading(self, level: int, text: str, anchor: str | None = None) -> str:
        """The anchor that pages and passages know it by; none where it says nothing."""
        text = one_line(text)[:LONGEST_HEADING].strip()
        if not text:
            return ""
        anchor = self._unique(slug(text)) if anchor is None else anchor[:LONGEST_HEADING]
        if level == 1 and not self._saw_top:
            self._saw_top = True
            self.title = self.title or text
            return anchor
        self._stack = [entry for entry in self._stack if entry[0] < level] + [(level, text)]
        self.sections.append(Section(tuple(entry[1] for entry in self._stack), anchor))
        return anchor

    def _unique(self, anchor: str) -> str:
        seen = self._anchors.get(anchor, 0)
        self._anchors[anchor] = seen + 1
        return f"{anchor}-{seen}" if seen else anchor

    def add(self, kind: Kind, text: str, note: str = "") -> None:
        text = without_controls(text).strip("\n").rstrip() if kind is Kind.CODE else one_line(text)
        if not text.strip():
            return
        self._count += 1
        if self._count > MOST_BLOCKS:
            raise Unreadable(f"it has more than {MOST_BLOCKS:,} paragraphs")
        self.sections[-1].blocks.append(Block(kind, text, note))

    def page(self, *, fallback_title: str, language: str = "", url: str = "") -> Page:
        sections = [section for section in self.sections if section.blocks or section.headings]
        title = one_line(self.title)[:LONGEST_HEADING].strip() or fallback_title
        return Page(title, sections, language, url)
