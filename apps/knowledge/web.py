"""Pages and sitemaps over HTTP. Which hosts to read is the owner's choice; how much and how often is bounded."""

import gzip
import html
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from apps.knowledge import readers
from apps.knowledge.readers.outline import Unreadable
from chatkit import __version__

LARGEST_DOCUMENT = 5 * 1024 * 1024
TOO_LARGE = f"it is larger than {LARGEST_DOCUMENT // 1024 // 1024} MiB"
MOST_REDIRECTS = 5
MOST_PAGES = 20_000
MOST_SITEMAPS = 200
TIMEOUT = httpx.Timeout(15.0)
HEADERS = {"User-Agent": f"ChatKit/{__version__} (ingest)", "Accept": "text/html, text/markdown, text/plain, */*;q=0.5"}
# A parser for XML would have to be protected from entities; a sitemap needs none.
LOCATION = re.compile(r"<loc>\s*(?:<!\[CDATA\[)?\s*([^<\]]{1,2000}?)\s*(?:\]\]>)?\s*</loc>")


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes of a document and what is known about them."""

    content: bytes
    kind: str
    url: str
    fallback_title: str
    charset: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    address: str
    media_type: str
    charset: str
    content: bytes


def get(address: str) -> Response:
    """One address, redirects followed and checked one by one."""
    try:
        with httpx.Client(timeout=TIMEOUT, headers=HEADERS, follow_redirects=False) as client:
            for _ in range(MOST_REDIRECTS + 1):
                answer = get_once(client, checked(address))
                if isinstance(answer, Response):
                    return answer
                address = urljoin(address, answer)
    except httpx.TimeoutException as exc:
        raise Unreadable("the server does not answer in time") from exc
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError, ValueError) as exc:
        raise Unreadable("the server cannot be reached, or breaks off") from exc
    raise Unreadable(f"it redirects more than {MOST_REDIRECTS} times")


def checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unreadable("only http:// and https:// addresses are read")
    return address


def get_once(client: httpx.Client, address: str) -> Response | str:
    """The answer, or where it redirects to."""
    with client.stream("GET", address) as response:
        if response.has_redirect_location:
            return response.headers["Location"]
        if response.status_code != 200:
            raise Unreadable(f"the server answers with status {response.status_code}")
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Response(address, media_type, response.charset_encoding or "", bounded(response))


def bounded(response: httpx.Response) -> bytes:
    """The length is counted after decompression, piece by piece."""
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if len(content) > LARGEST_DOCUMENT:
            raise Unreadable(TOO_LARGE)
    return bytes(content)


def fetch_page(address: str) -> Raw:
    response = get(address)
    path = urlsplit(response.address).path
    kind = readers.MEDIA_TYPES.get(response.media_type)
    if kind in {None, "text"}:  # servers send Markdown as text/plain, or as anything
        kind = readers.format_of(path) or kind
    if kind is None:
        raise Unreadable(f"{response.media_type or 'a missing content type'} is no format that is read")
    name = path.rstrip("/").rpartition("/")[2] or urlsplit(response.address).hostname or "Untitled"
    return Raw(response.content, kind, response.address.partition("#")[0], name, response.charset)


def is_sitemap(address: str) -> bool:
    return urlsplit(address).path.lower().endswith((".xml", ".xml.gz"))


def sitemap_addresses(address: str) -> list[str]:
    """The pages of a sitemap, and of the sitemaps that it lists."""
    todo, seen, pages = [address], {address}, {}
    while todo:
        for found in addresses_in(get(todo.pop(0)).content):
            if not is_sitemap(found):
                pages[found] = True
            elif found not in seen and len(seen) < MOST_SITEMAPS:
                seen.add(found)
                todo.append(found)
        if len(pages) > MOST_PAGES:
            raise Unreadable(f"the sitemap lists more than {MOST_PAGES:,} pages")
    return list(pages)


def addresses_in(content: bytes) -> Iterator[str]:
    if content.startswith(b"\x1f\x8b"):
        content = unzipped(content)
    text = content.decode("utf-8", errors="replace")
    if "<urlset" not in text and "<sitemapindex" not in text:
        raise Unreadable("it is no sitemap")
    return (html.unescape(match[1]) for match in LOCATION.finditer(text))


def unzipped(content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            plain = file.read(LARGEST_DOCUMENT + 1)
    except (OSError, EOFError, zlib.error) as exc:
        raise Unreadable("its compression is broken") from exc
    if len(plain) > LARGEST_DOCUMENT:
        raise Unreadable(TOO_LARGE)
    return plain
