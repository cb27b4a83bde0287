"""Markdown, as GitHub and the usual site generators understand it."""

import re
from collections.abc import Iterator, Mapping
from textwrap import dedent
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from apps.knowledge.readers.outline import Kind, Outline, Page, Unreadable, one_line

FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.{0,20000}?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
OWN_ANCHOR = re.compile(r"\s*\{#([\w.:-]+)[^}]*\}\s*$")
# Containers and admonitions of site generators: the line says how to draw the text, the text is what counts.
CONTAINER = re.compile(r"^[ \t]*:{3,}.*$", re.MULTILINE)
ADMONITION = re.compile(r"^[ \t]*(?:!{3}|\?{3}\+?)[ \t][^\n]*\n((?:(?: {4}|\t)[^\n]*\n?|\n)*)", re.MULTILINE)
MDX = re.compile(r"^(?:import|export)\s.+$", re.MULTILINE)
FENCE = re.compile(r"^ {0,3}(?:`{3,}|~{3,})", re.MULTILINE)
TAG = re.compile(r"<[^>]*>?")
parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def read_markdown(text: str, *, fallback_title: str) -> Page:
    header, text = front_matter(text)
    outline = Outline(said(header, "title"))
    try:
        tokens = parser.parse(outside_code(text))
    except RecursionError as exc:
        raise Unreadable("its Markdown is nested too deeply") from exc
    for kind, level, content, note in blocks(tokens):
        if kind is None:
            add_heading(outline, level, content)
        else:
            outline.add(kind, content, note)
    language = said(header, "lang") or said(header, "language")
    url = said(header, "url") or said(header, "permalink") or said(header, "slug")
    return outline.page(fallback_title=fallback_title, language=language, url=url)


def add_heading(outline: Outline, level: int, content: str) -> str:
    """The anchor that the heading gets."""
    anchor = OWN_ANCHOR.search(content)
    return outline.heading(level, OWN_ANCHOR.sub("", content), anchor[1] if anchor else None)


def front_matter(text: str) -> tuple[Mapping[Any, Any], str]:
    match = FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        header = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        header = None
    return (header if isinstance(header, dict) else {}), text[match.end() :]


def said(header: Mapping[Any, Any], name: str) -> str:
    value = header.get(name)
    return one_line(value)[:2000] if isinstance(value, str) else ""


def outside_code(text: str) -> str:
    """Without what only site generators understand, but code is left as it is."""
    parts: list[str] = []
    position, is_code = 0, False
    for fence in FENCE.finditer(text):
        part = text[position : fence.start()]
        parts.append(part if is_code else ordinary(part))
        position, is_code = fence.start(), not is_code
    rest = text[position:]
    return "".join([*parts, rest if is_code else ordinary(rest)])


def ordinary(text: str) -> str:
    text = ADMONITION.sub(lambda match: f"\n{dedent(match[1])}\n", text)
    return MDX.sub("", CONTAINER.sub("", text))


def blocks(tokens: list[Token]) -> Iterator[tuple[Kind | None, int, str, str]]:
    """Kind (None for a heading), level of a heading, text, and the language of code."""
    lists = heading = 0
    row: list[str] | None = None
    for token in tokens:
        if token.type == "heading_open":
            heading = int(token.tag[1])
        elif token.type in {"list_item_open", "list_item_close"}:
            lists += token.nesting
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            yield Kind.ROW, 0, " | ".join(row), ""
            row = None
        elif token.type == "inline" and row is not None:
            row.append(inline(token))
        elif token.type == "inline":
            yield None if heading else (Kind.ITEM if lists else Kind.TEXT), heading, inline(token), ""
            heading = 0
        elif token.type in {"fence", "code_block"}:
            yield Kind.CODE, 0, token.content, one_word(token.info)
        elif token.type == "html_block":
            yield Kind.TEXT, 0, html_text(token.content), ""


def one_word(info: str) -> str:
    match = re.match(r"[\w+#-]{1,20}", info.strip())
    return match[0] if match else ""


def inline(token: Token) -> str:
    """The words as a reader sees them; code and emphasis keep their marks, links and images their text."""
    parts: list[str] = []
    for child in token.children or []:
        if child.type == "code_inline":
            parts.append(f"`{child.content}`" if "`" not in child.content else child.content)
        elif child.type in {"text", "image"}:
            parts.append(child.content)
        elif child.type in {"strong_open", "strong_close"}:
            parts.append("**")
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
    return "".join(parts)


def html_text(fragment: str) -> str:
    """Raw HTML in Markdown: its words. What opens no complete tag is dropped rather than shown."""
    if "<" not in fragment:
        return fragment
    if len(fragment) > 100_000:
        return TAG.sub(" ", fragment)
    tree = LexborHTMLParser(fragment)
    tree.strip_tags(["script", "style", "template", "svg", "iframe", "noscript", "select"])
    return one_line(tree.body.text(separator=" ")) if tree.body else ""
