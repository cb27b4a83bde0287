"""A conversation as a file. Whatever was said stays where it was said."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from apps.accounts.models import User
from apps.chat import markdown
from apps.chat.citations import web_address
from apps.chat.models import Conversation, Message
from tests.accounts.conftest import Api
from tests.chat.rest.conftest import NOON, conversation, exchange, source

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def download(api: Api, chat: Conversation, query: str = "") -> Any:
    headers = {"Authorization": f"Bearer {api.token}"}
    return api.client.get(f"/api/v1/conversations/{chat.id}/export{query}", headers=headers)


def written(question: str, answer: str, **reply: Any) -> str:
    chat = Conversation(title="Title", created_at=NOON)
    asked = Message(role="user", content=question, created_at=NOON)
    answered = Message(role="assistant", content=answer, created_at=NOON, **reply)
    return "".join(markdown.document(chat, [asked, answered]))


def tokens_of(text: str) -> list[Token]:
    return MarkdownIt("commonmark").parse(text)


def outline(text: str) -> list[str]:
    """The blocks that stand in no quotation."""
    return [token.type for token in tokens_of(text) if token.level == 0 and token.nesting >= 0]


def flat(text: str) -> list[Token]:
    return [child for token in tokens_of(text) for child in (token, *(token.children or ()))]


PLAIN = outline(written("How?", "So."))


def test_markdown_has_questions_answers_and_numbered_sources(as_alice: Api, alice: User) -> None:
    chat = conversation(alice)
    exchange(chat, "How do I *embed* it?", "With **one** tag. [1]", sources=[source(), source("Prices", "")])
    response = download(as_alice, chat, "?format=md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.content.decode() == (
        "# About widgets\n"
        "\n## Question, 2026-03-01 12:00 UTC\n\n> How do I \\*embed\\* it?\n"
        "\n## Answer, 2026-03-01 12:00 UTC\n\n> With **one** tag. [1]\n"
        "\nSources:\n\n1. [Embedding](https://example.com/embed)\n2. Prices\n"
    )


def test_without_a_format_it_is_markdown(as_alice: Api, alice: User) -> None:
    assert download(as_alice, conversation(alice))["Content-Type"].startswith("text/markdown")


def test_json_has_everything_that_the_messages_have(as_alice: Api, alice: User) -> None:
    chat = conversation(alice)
    exchange(chat, sources=[source()])
    response = download(as_alice, chat, "?format=json")
    body = response.json()
    assert response["Content-Type"] == "application/json"
    assert body["conversation"]["title"] == "About widgets"
    assert body["messages"] == as_alice.get(f"/conversations/{chat.id}/messages").body["results"]


@pytest.mark.parametrize("asked", ["pdf", "MD", "html", "api", "%00", "md,json"])
def test_another_format_is_refused_in_json(as_alice: Api, alice: User, asked: str) -> None:
    response = download(as_alice, conversation(alice), f"?format={asked}")
    assert (response.status_code, list(response.json()["detail"]["fields"])) == (422, ["format"])


def test_what_a_client_accepts_does_not_matter(as_alice: Api, alice: User) -> None:
    chat = conversation(alice)
    headers = {"Authorization": f"Bearer {as_alice.token}", "Accept": "text/markdown"}
    assert as_alice.client.get(f"/api/v1/conversations/{chat.id}/export?format=md", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("How do I embed it?", 'attachment; filename="how-do-i-embed-it-2026-03-01.md"'),
        ("../../etc/passwd", 'attachment; filename="etcpasswd-2026-03-01.md"'),
        ('a"; filename="evil.exe', 'attachment; filename="a-filenameevilexe-2026-03-01.md"'),
        ("CON", 'attachment; filename="con-2026-03-01.md"'),
        ("", 'attachment; filename="conversation-2026-03-01.md"'),
        ("🙂", 'attachment; filename="conversation-2026-03-01.md"'),
        ("a\r\nSet-Cookie: x=1", 'attachment; filename="a-set-cookie-x1-2026-03-01.md"'),
        ("Größe", "attachment; filename*=utf-8''gr%C3%B6%C3%9Fe-2026-03-01.md"),
        ("x" * 200, f'attachment; filename="{"x" * 60}-2026-03-01.md"'),
    ],
)
def test_the_name_of_the_file_is_safe(as_alice: Api, alice: User, title: str, name: str) -> None:
    assert download(as_alice, conversation(alice, title))["Content-Disposition"] == name


def test_an_export_costs_two_queries(as_alice: Api, alice: User, django_assert_num_queries: Any) -> None:
    chat = conversation(alice)
    for _ in range(5):
        exchange(chat, sources=[source()])
    as_alice.get("/conversations")
    with django_assert_num_queries(2):
        download(as_alice, chat)


def test_an_answer_that_was_stopped_says_so() -> None:
    assert "*This answer was stopped.*" in written("How?", "So f", status="cancelled")


ESCAPES = [
    "# Heading",
    "```\nnever closed",
    "<!-- never closed",
    "<script>alert(1)</script>",
    "text <b onclick=x>bold</b> text",
    "> > > deeper\n\nout",
    "</blockquote>",
    "- list\n\n  <div>",
    "[1]: https://evil.example",
    "text\n\n[1]: <https://evil.example> 'title'",
    "Title\n===",
    "\t<script>",
    "```a`b\n<script>",
    "<div>\n```\n</div>\n\n<script>\n```",
    "<![CDATA[ x",
    "<?php x",
    "> " * 60 + "<script>",
    "1. " * 60 + "<script>",
    "line\u2028# Heading\x85<script>",
    "a\r# b\r\n<script>",
    "[a]: <script>\n[b]: /x\n\n[a] [b]",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_nothing_that_was_said_leaves_its_place(text: str) -> None:
    for document in (written(text, "So. [1]"), written("How?", text)):
        assert outline(document) == PLAIN
        assert not [token for token in flat(document) if token.type in {"html_block", "html_inline"}]


@pytest.mark.parametrize("text", ["[1]: https://evil.example", "text\n\n[1]: <https://evil.example> 'title'"])
def test_no_message_lends_its_links_to_another(text: str) -> None:
    last = flat(written("How?", text) + written("How?", "So. [1]"))[-3:]
    assert [token.type for token in last] == ["text", "paragraph_close", "blockquote_close"]


def test_a_definition_takes_no_other_link_with_it() -> None:
    document = written("How?", "[1]: https://evil.example\n\nRead [this](/docs) <b>now</b>.\n\n```\n<p>\n```")
    assert [token.attrs["href"] for token in flat(document) if token.type == "link_open"] == ["/docs"]
    assert "> <p>" in document


@pytest.mark.parametrize("opening", ["> ", "- ", "1. "])
def test_what_is_nested_too_deep_to_read_is_all_made_text(opening: str) -> None:
    assert "<script>" not in written("How?", opening * 200 + "<script>")


def test_code_in_an_answer_stays_as_it_is() -> None:
    code = '```html\n<script src="widget.js"></script>\n```'
    assert '> <script src="widget.js"></script>' in written("How?", code)


def test_a_question_reads_as_it_was_typed() -> None:
    question = "1. Is `x` < *y* & [z](javascript:alert(1))?\n- or &lt;b&gt;\n\n+ ![pic](http://x/y.png) #1 \\o/"
    tokens = tokens_of(written(question, "So."))
    said = next(token for token in tokens if token.type == "blockquote_open")
    texts: list[str] = []
    for token in tokens[tokens.index(said) :]:
        if token.type == "blockquote_close":
            break
        texts += ["".join("\n" if c.type == "hardbreak" else c.content for c in token.children or ())]
    assert "\n\n".join(filter(None, texts)) == question


SCRAPS = st.sampled_from(
    [*ESCAPES, "\n", "\n\n", "`", "```", "~~~", "<", ">", "[", "]", "(", ")", "\\", "    ", "\t", "a"]
)
TEXTS = st.lists(SCRAPS | st.text(max_size=6), max_size=8).map("".join)


@search(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(question=TEXTS, answer=TEXTS)
def test_no_text_whatever_leaves_its_place(question: str, answer: str) -> None:
    document = written(question, answer)
    assert outline(document) == PLAIN
    assert not [token for token in flat(document) if token.type in {"html_block", "html_inline"}]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "//evil.example", "", " https://x", "x"]
)
def test_an_address_that_a_browser_would_run_is_no_link(url: str) -> None:
    assert web_address(url) == ""


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.com/a_(b)#c", "https://example.com/a_%28b%29#c"),
        ("/docs/embed?a=1&b=2", "/docs/embed?a=1&b=2"),
        ("https://x/) [evil](https://evil", "https://x/%29%20%5Bevil%5D%28https://evil"),
        ("https://x/<script>\n", "https://x/%3Cscript%3E%0A"),
        ("https://x/größe%20a", "https://x/gr%C3%B6%C3%9Fe%20a"),
    ],
)
def test_an_address_cannot_end_its_link(url: str, safe: str) -> None:
    assert web_address(url) == safe


def test_a_title_of_a_source_cannot_end_its_link() -> None:
    evil = source("x](https://evil.example) <script>\n# y")
    document = written("How?", "So.", sources=[evil])
    links = [token.attrs["href"] for token in flat(document) if token.type == "link_open"]
    assert links == ["https://example.com/embed"]
