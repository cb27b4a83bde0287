"""Pages and sitemaps from a real server on loopback."""

import gzip
from pathlib import Path

import pytest

from apps.knowledge.ingest import ingest
from apps.knowledge.models import Document, Passage
from apps.knowledge.web import LARGEST_DOCUMENT
from tests.knowledge.conftest import Web

pytestmark = [pytest.mark.database, pytest.mark.django_db]
PAGE = "<title>Bread</title><main><h1>Bread</h1><p>We bake rye.</p><h2 id=price>Price</h2><p>Three euros.</p></main>"


def sitemap(*addresses: str) -> str:
    return "<urlset>" + "".join(f"<url><loc>{address}</loc></url>" for address in addresses) + "</urlset>"


def reason(address: str) -> str:
    return ingest([address]).problems[0].reason


def test_a_page_is_read_with_its_anchors(web: Web) -> None:
    address = web.serve("/bread", PAGE)
    ingest([f"{address}#top"])
    passage = Passage.objects.select_related("document").get(heading="Price")
    assert (passage.document.source, passage.url) == (address, f"{address}#price")


def test_a_sitemap_of_sitemaps_is_read_and_pruned(web: Web) -> None:
    bread, cake = web.serve("/bread", PAGE), web.serve("/cake", PAGE.replace("Bread", "Cake"))
    web.serve("/pages.xml.gz", gzip.compress(sitemap(bread, cake).encode()), "application/gzip")
    root = web.serve("/sitemap.xml", f"<sitemapindex><loc>{web.url}/pages.xml.gz</loc></sitemapindex>", "text/xml")
    assert ingest([root]).added == 2
    web.serve("/pages.xml.gz", sitemap(bread), "text/xml")
    assert ingest([root], prune=True).removed == 1
    assert Document.objects.get().title == "Bread"


def test_a_sitemap_in_a_file_is_read_too(web: Web, tmp_path: Path) -> None:
    (tmp_path / "sitemap.xml").write_text(sitemap(web.serve("/a?x=1&y=2", PAGE).replace("&", "&amp;")))
    assert ingest([str(tmp_path / "sitemap.xml")]).added == 1


def test_a_page_that_fails_once_is_not_pruned(web: Web) -> None:
    root = web.serve("/sitemap.xml", sitemap(web.serve("/bread", PAGE)), "text/xml")
    ingest([root])
    web.serve("/bread", "", status=500)
    report = ingest([root], prune=True)
    assert (report.removed, report.problems[0].reason) == (0, "the server answers with status 500")


def test_redirects_are_followed(web: Web) -> None:
    web.serve("/bread", PAGE)
    ingest([web.redirect("/old", "/bread")])
    assert Document.objects.get().url == f"{web.url}/bread"


def test_redirects_that_go_round_end(web: Web) -> None:
    web.redirect("/a", "/b")
    assert reason(web.redirect("/b", "/a")) == "it redirects more than 5 times"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/"])
def test_redirects_leave_http_for_nothing(web: Web, target: str) -> None:
    assert reason(web.redirect("/a", target)) == "only http:// and https:// addresses are read"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://a.example/", "http://", "javascript://x"])
def test_other_schemes_are_refused(address: str) -> None:
    assert reason(address) == "only http:// and https:// addresses are read"


def test_a_page_that_unpacks_to_too_much_is_refused(web: Web) -> None:
    bomb = gzip.compress(b"x" * (LARGEST_DOCUMENT * 4))
    web.answers["/bomb"] = (200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, bomb)
    assert reason(f"{web.url}/bomb") == "it is larger than 5 MiB"


def test_a_sitemap_that_unpacks_to_too_much_is_refused(web: Web) -> None:
    bomb = gzip.compress(b"<urlset>" + b"x" * (LARGEST_DOCUMENT * 4))
    assert reason(web.serve("/bomb.xml.gz", bomb, "application/gzip")) == "it is larger than 5 MiB"


def test_broken_compression_is_named(web: Web) -> None:
    assert reason(web.serve("/a.xml.gz", b"\x1f\x8bnonsense", "application/gzip")) == "its compression is broken"


def test_formats_that_are_not_read_are_named(web: Web) -> None:
    assert reason(web.serve("/a.png", b"x", "image/png")) == "image/png is no format that is read"


def test_markdown_sent_as_plain_text_is_markdown(web: Web) -> None:
    ingest([web.serve("/a.md", "# Rye\n\nDark.\n", "text/plain")])
    assert Document.objects.get().title == "Rye"


def test_a_server_that_is_not_there_is_named(web: Web) -> None:
    assert reason("http://127.0.0.1:1/") == "the server cannot be reached, or breaks off"


def test_what_is_no_sitemap_is_named(web: Web) -> None:
    assert reason(web.serve("/sitemap.xml", "<html>", "text/xml")) == "it is no sitemap"
