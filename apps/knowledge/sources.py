"""Where documents come from: what `ingest` is pointed at, and how its bytes are fetched."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from django.conf import settings

from apps.knowledge import readers, web
from apps.knowledge.models import LONGEST_SOURCE
from apps.knowledge.readers.outline import Unreadable
from apps.knowledge.web import LARGEST_DOCUMENT, Raw

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
INDEX_NAMES = frozenset({"index", "readme"})


@dataclass(frozen=True, slots=True)
class Source:
    """One document to be: its lasting name, and how to get it."""

    name: str
    fetch: Callable[[], Raw]


@dataclass(slots=True)
class Root:
    """One argument of `ingest` and what was found there. What could not be listed must not be pruned."""

    name: str
    sources: list[Source] = field(default_factory=list)
    problem: str = ""


def is_address(argument: str) -> bool:
    """`C:\\docs` is a path; `ftp://host` is an address, and one that is refused."""
    return "://" in argument


def find(argument: str, *, site_url: str = "") -> Root:
    """What stands behind a path, an address or a sitemap. Never raises: a bad argument is its root's problem."""
    root = Root(argument if is_address(argument) else path_name(Path(argument)))
    try:
        root.sources = find_pages(argument) if is_address(argument) else find_files(Path(argument), site_url)
        if not root.sources:
            root.problem = "it holds no Markdown, HTML, reStructuredText or text"
    except Unreadable as exc:
        root.problem = exc.message
    except OSError as exc:
        root.problem = reason(exc)
    return root


def reason(error: OSError) -> str:
    return f"it cannot be read: {(error.strerror or 'unknown error').lower()}"


def path_name(path: Path) -> str:
    """Relative inside the project, so that the name survives a move to another machine."""
    resolved = path.resolve()
    base: Path = settings.BASE_DIR
    shown = resolved.relative_to(base) if resolved.is_relative_to(base) else resolved
    return printable(shown.as_posix())


def printable(name: str) -> str:
    """File names need not be valid UTF-8; what the database stores must be."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\x00", "")


def find_pages(address: str) -> list[Source]:
    if not web.is_sitemap(address):
        return [page_source(address)]
    return [page_source(found) for found in web.sitemap_addresses(address)]


def page_source(address: str) -> Source:
    return Source(address.partition("#")[0], lambda: web.fetch_page(address))


def find_files(path: Path, site_url: str) -> list[Source]:
    if path.is_dir():
        return [file_source(found, path, site_url) for found in walk(path)]
    if not path.exists():
        raise Unreadable("there is no such file or folder")
    if path.suffix.lower() == ".xml":
        return [page_source(found) for found in web.addresses_in(read_bounded(path))]
    return [file_source(path, path.parent, site_url)]


def walk(folder: Path) -> Iterator[Path]:
    """Readable kinds of files in a stable order. Each real folder is entered once, so that links cannot go round."""
    entered: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            if not name.startswith(".") and readers.format_of(name):
                yield Path(parent, name)


def file_source(path: Path, folder: Path, site_url: str) -> Source:
    def fetch() -> Raw:
        kind = readers.format_of(path.name)
        if kind is None:
            raise Unreadable(f"{path.suffix or 'a file without ending'} is no format that is read")
        url = address_of(path.relative_to(folder).as_posix(), kind, site_url)
        return Raw(read_bounded(path), kind, url, fallback_title=spoken_name(path, folder))

    return Source(f"{path_name(path.parent).rstrip('/')}/{printable(path.name)}".removeprefix("./"), fetch)


def read_bounded(path: Path) -> bytes:
    with open(path, "rb", opener=without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("it is no ordinary file")
        if status.st_size > LARGEST_DOCUMENT:
            raise Unreadable(web.TOO_LARGE)
        return file.read(LARGEST_DOCUMENT + 1)


def without_waiting(path: str, flags: int) -> int:
    """A named pipe would otherwise block until somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def address_of(relative: str, kind: str, site_url: str) -> str:
    """Where the site serves the file: generators drop the ending of Markdown and make reStructuredText HTML."""
    if not site_url:
        return ""
    path = PurePosixPath(relative)
    if path.stem.lower() in INDEX_NAMES:
        page = "" if path.parent == PurePosixPath(".") else f"{path.parent}/"
    elif kind == "restructuredtext":
        page = str(path.with_suffix(".html"))
    else:
        page = str(path.with_suffix("")) if kind == "markdown" else str(path)
    return f"{site_url.rstrip('/')}/{quote(printable(page))}"


def spoken_name(path: Path, folder: Path) -> str:
    """A title for a file that has none."""
    stem = path.stem if path.stem.lower() not in INDEX_NAMES or path.parent == folder else path.parent.name
    words = " ".join(printable(stem).replace("_", " ").replace("-", " ").split())
    return (words[:1].upper() + words[1:]) or "Untitled"


def checked_site_url(site_url: str) -> str:
    parts = urlsplit(site_url)
    if site_url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise Unreadable("use an address such as https://www.example.com/docs")
    return site_url


def is_too_long(name: str) -> bool:
    return len(name) > LONGEST_SOURCE
