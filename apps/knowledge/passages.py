"""Cuts a page into passages: one heading each, long ones split between paragraphs."""

import re
import uuid
from collections.abc import Iterator

from apps.knowledge.languages import terms
from apps.knowledge.models import LONGEST_TITLE, Document, Passage
from apps.knowledge.readers.outline import Block, Kind, Page, Section

LONGEST_PASSAGE = 1_600
# Changing how passages or terms are made raises this, and the next ingest makes all of them again.
RULES = 1
SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s+")
NAMESPACE = uuid.UUID("5b0e4d4e-6f0a-5d6c-9d57-3c1f6f2a7c11")


def passages_of(document: Document, page: Page, language: str) -> list[Passage]:
    made: list[Passage] = []
    seen: dict[tuple[str, ...], int] = {}
    title_terms = " ".join(terms(page.title, language))
    for section in page.sections:
        for text in split(section):
            turn = seen.get(section.headings, 0)
            seen[section.headings] = turn + 1
            passage = Passage(
                key=key(document.source, section.headings, turn),
                document=document,
                position=len(made),
                heading=(section.headings[-1] if section.headings else page.title)[:LONGEST_TITLE],
                title_path=" › ".join((page.title, *section.headings))[:1000],
                anchor=section.anchor,
                text=text,
                language=language,
                title_terms=title_terms,
                heading_terms=" ".join(terms(" / ".join(section.headings), language)),
                body_terms=" ".join(terms(text, language)),
            )
            made.append(passage)
    return made


def key(source: str, headings: tuple[str, ...], turn: int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, "\n".join((source, *headings, str(turn))))


def split(section: Section) -> Iterator[str]:
    """The section's Markdown in parts of readable length."""
    part, length = "", 0
    previous: Block | None = None
    for block in (piece for whole in section.blocks for piece in bounded(whole)):
        text = block.markdown()
        if part and length + len(text) > LONGEST_PASSAGE:
            yield part
            part, length, previous = "", 0, None
        separator = "" if previous is None else ("\n" if block.joins(previous) else "\n\n")
        part += separator + text
        length = len(part)
        previous = block
    if part:
        yield part


def bounded(block: Block) -> Iterator[Block]:
    """A block of more than a passage's length in pieces, cut where it hurts least."""
    if len(block.text) <= LONGEST_PASSAGE:
        yield block
        return
    joint = "\n" if block.kind is Kind.CODE else " "
    pieces = block.text.split("\n") if block.kind is Kind.CODE else SENTENCE_END.split(block.text)
    part = ""
    for piece in (short for long in pieces for short in chopped(long)):
        if part and len(part) + len(piece) >= LONGEST_PASSAGE:
            yield Block(block.kind, part, block.note)
            part = ""
        part = f"{part}{joint}{piece}" if part else piece
    if part.strip():
        yield Block(block.kind, part, block.note)


def chopped(text: str) -> Iterator[str]:
    for start in range(0, max(1, len(text)), LONGEST_PASSAGE):
        yield text[start : start + LONGEST_PASSAGE]
