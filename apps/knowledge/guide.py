"""ChatKit's own documents as pages, whose anchors are those of the passages that answers quote."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from apps.knowledge.readers.markdown import add_heading, inline
from apps.knowledge.readers.outline import Outline

FOLDER: Path = settings.BASE_DIR / "docs"
NEIGHBOUR = re.compile(r"([\w-]+)\.md(#.*)?")
# Raw HTML stays text, and links with a scheme that could run something are none.
renderer = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Section:
    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class GuidePage:
    name: str
    title: str
    html: SafeString
    sections: list[Section]


def entries() -> list[Entry]:
    """All pages, in the order of their titles."""
    found = [Entry(path.stem, title_of(path)) for path in FOLDER.glob("*.md")]
    return sorted(found, key=lambda entry: entry.title.removeprefix("The ").lower())


def title_of(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip() or path.stem


def page(name: str) -> GuidePage | None:
    """None for a name that is no page: only names of the folder's own files are ever opened."""
    path = next((path for path in FOLDER.glob("*.md") if path.stem == name), None)
    if path is None:
        return None
    tokens = renderer.parse(path.read_text(encoding="utf-8"))
    outline = Outline()
    sections: list[Section] = []
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", add_heading(outline, int(token.tag[1]), inline(content)))
            if token.tag == "h2":
                sections.append(Section(str(token.attrGet("id")), plain(content)))
        prepare(token)
    # The renderer escapes all text, and what could still be raw HTML it was told to leave text.
    html = mark_safe(renderer.renderer.render(tokens, renderer.options, {}))  # noqa: S308
    return GuidePage(name, outline.title, html, sections)


def plain(heading: Token) -> str:
    return strip_tags(inline(heading)).replace("`", "").replace("**", "")


def prepare(token: Token) -> None:
    """Links between the files lead from page to page; alignment would be an inline style, which the policy forbids."""
    if token.type in {"th_open", "td_open"}:
        token.attrs.pop("style", None)
    for child in token.children or ():
        match = NEIGHBOUR.fullmatch(str(child.attrGet("href") or "")) if child.type == "link_open" else None
        if match:
            child.attrSet("href", f"{match[1]}{match[2] or ''}")
