"""HTML pages: what the page is about, without the frame that every page of a site has."""

import re
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from apps.knowledge.readers.outline import Kind, Outline, Page, Unreadable

# The parser's time grows with the square of these.
DEEPEST = 500
LONG_TAG = re.compile(r"<[a-zA-Z/!][^>]{2000,}>?")
CHOICES = re.compile(r"</?(?:select|option|optgroup)\b[^>]*>", re.IGNORECASE)
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements that need no end tag say nothing about depth.
UNCLOSED_TAGS = "area base br col embed hr img input link meta source track wbr p li dt dd tr td th thead tbody tfoot"
UNCLOSED = frozenset(UNCLOSED_TAGS.split())

MAIN = ("main", "[role=main]", "article", "#main-content", "#content", ".markdown-body", ".document", ".content")
FRAME = (
    "script, style, template, noscript, svg, iframe, object, canvas, form, button, nav, footer, aside, dialog, "
    "[role=navigation], [role=search], [role=banner], [role=contentinfo], [hidden], [aria-hidden=true], "
    ".sidebar, .toc, .table-of-contents, .breadcrumb, .breadcrumbs, .navbar, .pagination, .skip-link, .cookie-banner, "
    ".headerlink, .anchor-link, .hash-link, .edit-this-page, .related"
)
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCK_TAGS = (
    "p div section article main ul ol li dl dt dd table tr blockquote figure figcaption header hr details summary "
    "address td th thead tbody tfoot caption fieldset body"
)
BLOCKS = frozenset(BLOCK_TAGS.split())
PERMALINK = re.compile(r"\s*[¶#§🔗]\s*$")


def read_html(text: str, *, fallback_title: str, address: str = "") -> Page:
    tree = LexborHTMLParser(harmless(text))
    language = (tree.root.attributes.get("lang") or "") if tree.root else ""
    url = canonical(tree, address)
    title = page_title(tree)
    for node in tree.css(FRAME):
        node.decompose(recursive=True)
    outline = Outline()
    start = main_content(tree)
    if start is not None:
        Walk(outline).over(start)
    # The first heading names the page better than <title>, which often ends in the name of the site.
    return outline.page(fallback_title=title or fallback_title, language=language, url=url)


def harmless(text: str) -> str:
    """Without what would keep the parser busy for minutes; refuses what no real page looks like."""
    text = CHOICES.sub(" ", LONG_TAG.sub(" ", text))
    depth = 0
    for tag in TAG.finditer(text):
        if tag[2].lower() not in UNCLOSED:
            depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > DEEPEST:
            raise Unreadable(f"its HTML is nested more than {DEEPEST} levels deep")
    return text


def canonical(tree: LexborHTMLParser, address: str) -> str:
    link = tree.css_first("link[rel=canonical]")
    found = urljoin(address, (link.attributes.get("href") or "").strip()) if link else ""
    return found if found.startswith(("http://", "https://")) else address


def page_title(tree: LexborHTMLParser) -> str:
    node = tree.css_first("head > title")
    return " ".join(node.text().split()) if node else ""


def main_content(tree: LexborHTMLParser) -> LexborNode | None:
    for selector in MAIN:
        node = tree.css_first(selector)
        if node is not None and node.text().strip():
            return node
    for node in tree.css("body > header"):
        node.decompose(recursive=True)
    return tree.body


class Walk:
    """Goes through the nodes in reading order without recursion and gathers text until a block ends."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.text: list[str] = []
        self.kind = Kind.TEXT

    def over(self, start: LexborNode) -> None:
        todo: list[tuple[LexborNode, bool]] = [(start, False)]
        while todo:
            node, is_leaving = todo.pop()
            if node.is_text_node:
                self.text.append(node.text(deep=False))
            elif is_leaving:
                self.leave(node.tag or "")
            elif self.enter(node):
                todo.append((node, True))
                todo.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
        self.flush()

    def enter(self, node: LexborNode) -> bool:
        """Whether to go on into the node, rather than having dealt with it as a whole."""
        tag = node.tag or ""
        if tag in HEADINGS:
            self.flush()
            self.outline.heading(HEADINGS[tag], PERMALINK.sub("", node.text()), anchor_of(node))
        elif tag == "pre":
            self.flush()
            self.outline.add(Kind.CODE, node.text(), language_of(node))
        elif tag == "tr":
            self.flush()
            cells = [" ".join(cell.text(separator=" ").split()) for cell in node.css("th, td")]
            self.outline.add(Kind.ROW, " | ".join(cells))
        elif tag == "br":
            self.text.append(" ")
        elif tag == "code":
            self.text.append(f"`{' '.join(node.text().replace('`', ' ').split())}`")
        else:
            self.open_block(tag)
            return True
        return False

    def open_block(self, tag: str) -> None:
        if tag in BLOCKS:
            self.flush()
        if tag in {"li", "dt", "dd"}:
            self.kind = Kind.ITEM
        elif tag in {"strong", "b"}:
            self.text.append("**")

    def leave(self, tag: str) -> None:
        if tag in BLOCKS:
            self.flush()
            self.kind = Kind.TEXT
        elif tag in {"strong", "b"}:
            self.text.append("**")

    def flush(self) -> None:
        text = "".join(self.text).replace("****", "")
        self.text.clear()
        if text.strip("* \n\t"):
            self.outline.add(self.kind, text)


def anchor_of(heading: LexborNode) -> str:
    """The heading's own id, a named anchor inside it, or the id of the section that it opens."""
    inner = heading.css_first("a[id], a[name]")
    parent = heading.parent
    holders = [heading.attributes, inner.attributes if inner else {}]
    if parent is not None and parent.tag in {"section", "div", "article"}:
        holders.append(parent.attributes)
    return next((found for held in holders if (found := held.get("id") or held.get("name"))), "")


def language_of(code: LexborNode) -> str:
    inner = code.css_first("code[class]")
    match = re.search(r"language-([\w+#-]{1,20})", (inner.attributes.get("class") or "") if inner else "")
    return match[1] if match else ""
