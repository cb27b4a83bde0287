"""From bytes to a page: which reader, which encoding."""

import codecs
import re
from pathlib import PurePosixPath

from apps.knowledge.readers.html import read_html
from apps.knowledge.readers.markdown import read_markdown
from apps.knowledge.readers.outline import Page, Unreadable
from apps.knowledge.readers.plain import read_plain
from apps.knowledge.readers.restructuredtext import read_restructuredtext

FORMATS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".rst": "restructuredtext",
    ".txt": "text",
    ".text": "text",
}
MEDIA_TYPES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/x-rst": "restructuredtext",
    "text/prs.fallenstein.rst": "restructuredtext",
    "text/plain": "text",
}
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
CHARSET = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([\w-]{2,20})", re.IGNORECASE)
# The browsers' rule: whoever says Latin-1 means Windows-1252.
FALLBACK = "cp1252"
REAL_ENCODINGS = re.compile(r"cp(?:125\d|874|932)|iso8859-\d+|koi8-[ru]|gb\w+|big5\w*|shift_jis|euc_\w+|mac-roman")


def format_of(name: str) -> str | None:
    return FORMATS.get(PurePosixPath(name).suffix.lower())


def read(content: bytes, *, kind: str, fallback_title: str, address: str = "", charset: str = "") -> Page:
    text = decode(content, declared=charset or (declared_charset(content) if kind == "html" else ""))
    # UTF-16 can hold NUL; no database does.
    text = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    if kind == "html":
        return read_html(text, fallback_title=fallback_title, address=address)
    if kind == "markdown":
        return read_markdown(text, fallback_title=fallback_title)
    if kind == "restructuredtext":
        return read_restructuredtext(text, fallback_title=fallback_title)
    return read_plain(text, fallback_title=fallback_title)


def declared_charset(content: bytes) -> str:
    match = CHARSET.search(content[:4096])
    return match[1].decode("ascii") if match else ""


def decode(content: bytes, *, declared: str = "") -> str:
    """The text, whatever its encoding; refuses what is no text."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    if b"\x00" in content:
        raise Unreadable("it is binary, not text")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(known(declared), errors="replace")


def known(declared: str) -> str:
    """What pages really use. Python's other codecs are no character sets, or refuse to go on after an error."""
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        return FALLBACK
    return name if REAL_ENCODINGS.fullmatch(name) and name != "iso8859-1" else FALLBACK


__all__ = ["Page", "Unreadable", "format_of", "read"]
