"""The guide: every source of an answer about ChatKit leads to a page that has the passage."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from django.test import Client
from selectolax.lexbor import LexborHTMLParser

from apps.knowledge import guide
from apps.knowledge.ingest import ingest_own_documents
from apps.knowledge.models import Passage
from tests.live import LiveServer
from tests.project.test_own_documents import ask

SITE = "https://chat.example.com/guide/"


@pytest.mark.django_db
def test_every_passage_stands_under_its_anchor(client: Client) -> None:
    ingest_own_documents(site_url=SITE)
    passages = Passage.objects.select_related("document")
    assert passages.count() > 20
    for passage in passages:
        path, _, anchor = passage.url.removeprefix("https://chat.example.com").partition("#")
        page = LexborHTMLParser(client.get(path).content.decode())
        assert not anchor or page.css_matches(f'[id="{anchor}"]'), passage.url


@pytest.mark.django_db
def test_the_guide_opens_on_a_page_and_names_the_others(client: Client) -> None:
    page = LexborHTMLParser(client.get("/guide/", follow=True).content.decode())
    named = {str(link.attributes["href"]).rpartition("/")[2] for link in page.css(".contents > ul > li > a")}
    assert named == {path.stem for path in guide.FOLDER.glob("*.md")}


@pytest.mark.parametrize("path", ["/guide/nothing", "/guide/README", "/guide/..%2Fchatkit", "/guide/api/more"])
def test_what_is_no_page_of_the_guide_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_markup_in_a_document_stays_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, "FOLDER", tmp_path)
    (tmp_path / "bad.md").write_text(
        "# Bad\n\n## <script>alert(1)</script>\n\n<img src=x onerror=alert(1)> [run](javascript:alert(1))\n\n"
        "| a |\n|--:|\n| [other](good.md#part) |\n"
    )
    page = guide.page("bad")
    assert page is not None
    html = str(page.html)
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert "style=" not in html
    assert 'href="good#part"' in html


def test_a_source_of_a_live_answer_opens_at_the_passage(start_server: Callable[..., LiveServer]) -> None:
    server = start_server()
    answer = ask(server, "How do I set a rate limit?")
    [first, *_] = answer["sources"]  # type: ignore[misc]
    # The suite's servers share a BASE_URL that is not theirs; the path is.
    path, _, anchor = first["url"].removeprefix("http://127.0.0.1:8000").partition("#")
    page = httpx.get(f"{server.url}{path}")
    assert page.status_code == 200
    assert not anchor or f'id="{anchor}"' in page.text


def test_a_production_server_has_no_guide(start_server: Callable[..., LiveServer]) -> None:
    server = start_server(ENVIRONMENT="production")
    assert httpx.get(f"{server.url}/guide/limits").status_code == 404
    assert "/guide/" not in httpx.get(server.url).text
