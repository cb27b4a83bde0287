"""Plain text: paragraphs between empty lines."""

import re

from apps.knowledge.readers.outline import Kind, Outline, Page

PARAGRAPH = re.compile(r"\n[ \t]*\n")
ITEM = re.compile(r"^\s*[-*•]\s+")
LONGEST_TITLE_LINE = 100


def read_plain(text: str, *, fallback_title: str) -> Page:
    outline = Outline()
    paragraphs = [part for part in PARAGRAPH.split(text) if part.strip()]
    if paragraphs and is_title(paragraphs[0]):
        outline.heading(1, paragraphs.pop(0))
    for paragraph in paragraphs:
        lines = paragraph.strip().splitlines()
        if all(ITEM.match(line) for line in lines):
            for line in lines:
                outline.add(Kind.ITEM, ITEM.sub("", line))
        else:
            outline.add(Kind.TEXT, paragraph)
    return outline.page(fallback_title=fallback_title)


def is_title(paragraph: str) -> bool:
    line = paragraph.strip()
    return "\n" not in line and len(line) <= LONGEST_TITLE_LINE and not line.endswith((".", ":", ",", ";"))
