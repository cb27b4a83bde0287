"""Every reader makes the same of the same content, and none lets markup into the text."""

import re
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.knowledge import readers
from apps.knowledge.readers import Page, Unreadable
from apps.knowledge.readers.outline import Kind

KINDS = ("markdown", "html", "restructuredtext", "text")
TAG = re.compile(r"</?(?:p|div|script|b|h1|li|main)\b[^>]*>")
SAME = {
    "markdown": "# Bread\n\nWe bake.\n\n## Rye\n\nRye is **dark**.\n\n- sour\n- dense\n\n```sh\nbake rye\n```\n",
    "html": (
        "<html><head><title>Bread - The bakery</title></head><body><nav>Menu</nav><main><h1>Bread</h1><p>We bake.</p>"
        "<h2 id='rye'>Rye</h2><p>Rye is <b>dark</b>.</p><ul><li>sour</li><li>dense</li></ul>"
        "<pre><code class='language-sh'>bake rye\n</code></pre></main><footer>Imprint</footer></body></html>"
    ),
    "restructuredtext": (
        "Bread\n=====\n\nWe bake.\n\nRye\n---\n\nRye is **dark**.\n\n- sour\n- dense\n\n"
        ".. code-block:: sh\n\n   bake rye\n"
    ),
}


def read(content: str | bytes, kind: str = "markdown") -> Page:
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return readers.read(raw, kind=kind, fallback_title="Untitled")


def text_of(page: Page) -> str:
    return "\n".join(block.text for section in page.sections for block in section.blocks)


@pytest.mark.parametrize("kind", SAME)
def test_the_same_page_reads_the_same_in_every_format(kind: str) -> None:
    page = read(SAME[kind], kind)
    assert page.title == "Bread"
    assert [(section.headings, section.anchor) for section in page.sections] == [((), ""), (("Rye",), "rye")]
    assert [block.markdown() for block in page.sections[1].blocks] == [
        "Rye is **dark**.",
        "- sour",
        "- dense",
        "```sh\nbake rye\n```",
    ]


def test_html_keeps_the_content_and_leaves_the_frame() -> None:
    assert "Menu" not in text_of(read(SAME["html"], "html"))
    assert "Imprint" not in text_of(read(SAME["html"], "html"))


def test_html_without_main_content_is_read_from_the_body() -> None:
    assert text_of(read("<title>A</title><header>Top</header><p>Hello</p>", "html")) == "Hello"


def test_html_tables_become_rows() -> None:
    page = read("<table><tr><th>Bread<th>Price</tr><tr><td>Rye<td>3</tr></table>", "html")
    assert [block.text for block in page.sections[0].blocks] == ["Bread | Price", "Rye | 3"]


def test_html_names_its_language_and_its_own_address() -> None:
    page = read("<html lang='de-AT'><link rel=canonical href='https://a.example/x'><p>Hallo</p>", "html")
    assert (page.language, page.url) == ("de-AT", "https://a.example/x")


def test_front_matter_names_title_language_and_address() -> None:
    page = read("---\ntitle: Hours\nlang: en\nurl: https://a.example/h\n---\n# Opening\n\nNine.\n")
    assert (page.title, page.language, page.url) == ("Hours", "en", "https://a.example/h")


def test_an_anchor_of_the_authors_own_is_kept() -> None:
    page = read("# A\n\n## Rye bread {#rye}\n\nDark.\n")
    assert (page.sections[0].headings, page.sections[0].anchor) == (("Rye bread",), "rye")


def test_the_same_heading_twice_gets_two_anchors() -> None:
    page = read("# A\n\n## Rye\n\nOne.\n\n## Rye\n\nTwo.\n")
    assert [section.anchor for section in page.sections] == ["rye", "rye-1"]


def test_admonitions_are_text_and_not_code() -> None:
    page = read('# A\n\n!!! warning "Hot"\n    The oven is hot.\n\n:::tip\nUse gloves.\n:::\n')
    assert [(block.kind, block.text) for block in page.sections[0].blocks] == [
        (Kind.TEXT, "The oven is hot."),
        (Kind.TEXT, "Use gloves."),
    ]


def test_markup_inside_code_stays() -> None:
    assert "<b>bold</b> ::: import x" in text_of(read("```html\n<b>bold</b> ::: import x\n```\n"))


def test_raw_html_in_markdown_leaves_its_words_only() -> None:
    assert text_of(read("<div onclick='x()'>Hello <b>you</b><script>alert(1)</script></div>\n")) == "Hello you"


def test_sphinx_roles_and_directives_leave_their_words() -> None:
    page = read(
        dedent("""
            Ovens
            =====

            See :ref:`the manual <manual>` and :func:`~ovens.heat`.

            .. versionadded:: 3.0
               Heats twice as fast.

            .. include:: /etc/passwd
        """),
        "restructuredtext",
    )
    assert "See the manual and `heat`." in text_of(page)
    assert "Heats twice as fast." in text_of(page)
    assert "root:" not in text_of(page)


def test_a_short_first_line_titles_a_plain_text() -> None:
    page = read("Opening hours\n\nFrom nine\nto five.\n", "text")
    assert (page.title, text_of(page)) == ("Opening hours", "From nine to five.")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_understood(encoding: str) -> None:
    assert read("# Café\n\nGrüße aus der Bäckerei\n".encode(encoding)).title == "Café"


def test_html_says_its_encoding() -> None:
    assert text_of(read("<meta charset='iso-8859-2'><p>Łódź</p>".encode("iso-8859-2"), "html")) == "Łódź"


@pytest.mark.parametrize("declared", ["rot13", "hex", "nonsense", "undefined"])
def test_an_encoding_that_is_none_is_not_believed(declared: str) -> None:
    assert "Brot" in text_of(read(f"<meta charset='{declared}'><p>Brot \xff</p>".encode("latin-1"), "html"))


def test_binary_is_refused() -> None:
    with pytest.raises(Unreadable, match="binary"):
        read(b"\x89PNG\x00\x01\x02")


HOSTILE = {
    "nested": "<div>" * 100_000 + "x",
    "choices": "<select>" + "<option>x" * 100_000,
    "attributes": "<a " + " ".join(f"a{number}=1" for number in range(100_000)) + ">x</a>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_html_made_to_exhaust_the_parser_ends_soon(name: str) -> None:
    try:
        read(HOSTILE[name], "html")
    except Unreadable as refusal:
        assert "nested" in refusal.message


def test_more_paragraphs_than_any_page_has_are_refused() -> None:
    with pytest.raises(Unreadable, match="paragraphs"):
        read("x\n\n" * 30_000, "text")


def test_a_front_matter_that_multiplies_itself_is_survived() -> None:
    bomb = "a: &a [x,x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a,*a]\n" for n in range(50))
    assert read(f"---\n{bomb}title: [*a]\n---\nHello\n").title == "Untitled"


SCRAPS = [
    *"<>&#*`_[]()!|-=~:\\\n \t\x00é😀",
    *("<div>", "</p>", "<script>", "<b", "```", "---\n", "\n\n", "## ", "- ", "<!--", "]]>", "&lt;p&gt;", "word"),
    *(".. note::", "::\n\n   ", "`x <y>`_", "|a|", "1. ", "\n===\n", "!!! x\n"),
]
MARKUP = st.lists(st.sampled_from(SCRAPS)).map("".join)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(text=st.one_of(st.text(), MARKUP))
def test_anything_is_read_or_refused(kind: str, text: str) -> None:
    try:
        page = read(text, kind)
    except Unreadable:
        return
    assert "\x00" not in page.title + text_of(page)


@settings(max_examples=150, deadline=None)
@given(content=st.binary())
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read(content, "html")
    except Unreadable:
        return


@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.sampled_from(["<p>", "</p>", "<b>", "</b>", "<div>", "<li>", "rye", "bread ", "<main>"])))
def test_tags_never_reach_the_text(words: list[str]) -> None:
    assert not TAG.search(text_of(read("".join(words), "html")))
    assert not TAG.search(text_of(read("".join(words), "markdown")))
