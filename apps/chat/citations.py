"""The sources that were stored with an answer, made safe to be shown again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

# All that may stand in an address, without what ends a link in Markdown or in HTML.
UNQUOTED = "/:?#@!$&*+,=~%-._"


@dataclass(frozen=True, slots=True)
class Citation:
    number: int
    title: str
    url: str
    excerpt: str


def citations_of(sources: Iterable[dict[str, Any]]) -> Iterator[Citation]:
    """Numbered as the answer names them."""
    for number, source in enumerate(sources, 1):
        title, url, excerpt = (str(source.get(name, "")) for name in ("title", "url", "excerpt"))
        yield Citation(number, title or url or "Untitled", web_address(url), excerpt)


def web_address(url: str) -> str:
    """The address where it leads to a page; nothing for scripts and whatever else a browser would run."""
    if url.lower().startswith(("http://", "https://")) or (url.startswith("/") and not url.startswith("//")):
        return quote(url, safe=UNQUOTED)
    return ""
