"""reStructuredText, including what Sphinx adds to it."""

import re

from docutils import nodes
from docutils.core import publish_doctree

from apps.knowledge.readers.outline import Kind, Outline, Page, Unreadable

SETTINGS = {
    # A document may not make the server read files, and may not put out raw HTML.
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 6,
    "doctitle_xform": True,
    "line_length_limit": 100_000,
    "smart_quotes": False,
}
ROLE = re.compile(r":(?:[\w+-]+:)*([\w+-]+):`([^`]{1,500})`")
TARGET = re.compile(r"\s*<[^<>]*>$")
PLAIN_ROLES = frozenset(["ref", "doc", "term", "abbr", "numref", "download"])
# Directives whose text a reader should see; docutils does not know them and would drop it.
SPHINX = re.compile(
    r"^([ \t]*)\.\. (?:[\w+]+:)?(?:versionadded|versionchanged|deprecated|seealso|tab|tabs|tab-item|tab-set|dropdown|"
    r"grid|card|function|method|class|attribute|data|exception|module|option|setting|confval|describe|program|"
    r"envvar|glossary|hlist|centered|todo|rst-class|py:\w+|django-admin|templatetag|templatefilter)::([^\n]*)"
    r"((?:\n[ \t]+:[\w-]+:[^\n]*)*)",
    re.MULTILINE,
)
CODE = re.compile(r"^([ \t]*)\.\. (?:code-block|sourcecode|console|prompt|parsed-literal)::", re.MULTILINE)
SKIPPED = (nodes.system_message, nodes.comment, nodes.raw, nodes.substitution_definition, nodes.topic, nodes.docinfo)


def read_restructuredtext(text: str, *, fallback_title: str) -> Page:
    outline = Outline()
    try:
        tree = publish_doctree(prepared(text), settings_overrides=SETTINGS)
        outline.heading(1, tree.get("title", ""))
        walk(tree, outline, 1)
    except Unreadable:
        raise
    except RecursionError as exc:
        raise Unreadable("its reStructuredText is nested too deeply") from exc
    except Exception as exc:  # docutils raises whatever its directives raise
        raise Unreadable("its reStructuredText cannot be understood") from exc
    return outline.page(fallback_title=fallback_title)


def prepared(text: str) -> str:
    text = ROLE.sub(spoken, text)
    text = CODE.sub(r"\1.. code::", text)
    return SPHINX.sub(lambda match: f"{match[1]}.. container::\n\n{match[1]}   {match[2].strip()}\n", text)


def spoken(role: "re.Match[str]") -> str:
    words = TARGET.sub("", role[2]) or role[2]
    if role[1] in PLAIN_ROLES or words != role[2]:
        return words
    return f"``{words.lstrip('~!.').rpartition('.')[2] if words.startswith('~') else words}``"


def walk(parent: nodes.Element, outline: Outline, level: int, kind: Kind = Kind.TEXT) -> None:
    for node in parent.children:
        if isinstance(node, nodes.section):
            title = node.next_node(nodes.title)
            anchors: list[str] = node.get("ids", [])
            outline.heading(level + 1, title.astext() if title else "", anchors[0] if anchors else "")
            walk(node, outline, level + 1)
        elif isinstance(node, nodes.literal_block):
            classes: list[str] = node.get("classes", [])
            language = next((name for name in classes if name != "code"), "")
            outline.add(Kind.CODE, node.astext(), language)
        elif isinstance(node, nodes.row):
            outline.add(Kind.ROW, " | ".join(inline(entry) for entry in node.children))
        elif isinstance(node, (nodes.paragraph, nodes.term, nodes.line, nodes.rubric, nodes.attribution)):
            outline.add(Kind.ITEM if isinstance(node, nodes.term) else kind, inline(node))
        elif isinstance(node, nodes.Element) and not isinstance(node, (*SKIPPED, nodes.title, nodes.Invisible)):
            walk(node, outline, level, Kind.ITEM if isinstance(node, nodes.list_item) else kind)


def inline(node: nodes.Node) -> str:
    parts: list[str] = []
    for text in node.findall(nodes.Text):
        words, parent = str(text), text.parent
        if isinstance(parent, nodes.literal) and "`" not in words:
            words = f"`{words}`"
        elif isinstance(parent, nodes.strong):
            words = f"**{words}**"
        if not isinstance(parent, nodes.system_message):
            parts.append(words)
    return "".join(parts)
