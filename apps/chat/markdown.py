"""A conversation as Markdown in which nothing that was said can pass for something else.

Each message stands in a quotation, which ends whatever a message may have left open. Out of a quotation come only raw
HTML and link definitions: these are made plain text.
"""

import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt

from apps.chat.citations import Citation, citations_of
from apps.chat.models import Conversation, Message

WRITERS = {Message.Role.USER: "Question", Message.Role.ASSISTANT: "Answer"}
ENDINGS = {
    Message.Status.WRITING: "This answer is still being written.",
    Message.Status.CANCELLED: "This answer was stopped.",
    Message.Status.FAILED: "This answer was interrupted.",
}
SPECIAL = re.compile(r"[\\`*_\[\]<>&#|~$!]")
OPENS_A_BLOCK = re.compile(r"^(?:(?=[-+=])|(\d+)(?=[.)]))")
LINE_BREAK = re.compile(r"\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f]")
# Reading again finds what the escapes of the time before uncovered.
READINGS = 5
DEEPEST = 40


def document(conversation: Conversation, messages: Iterable[Message]) -> Iterator[str]:
    """Block by block, so that a long conversation is never one string before it is sent."""
    yield f"# {one_line(conversation.title) or 'Conversation'}\n"
    for message in messages:
        yield f"\n## {WRITERS[Message.Role(message.role)]}, {message.created_at:%Y-%m-%d %H:%M} UTC\n\n"
        yield f"{said(message)}\n"
        if message.status in ENDINGS:
            yield f"\n*{ENDINGS[Message.Status(message.status)]}*\n"
        if message.sources:
            links = "\n".join(link(citation) for citation in citations_of(message.sources))
            yield f"\nSources:\n\n{links}\n"


def said(message: Message) -> str:
    """Answers are Markdown; a question is text, whatever it looks like."""
    content = UNSEEN.sub("", LINE_BREAK.sub("\n", message.content)).strip("\n").expandtabs(4)
    return harmless(quoted(content)) if message.role == Message.Role.ASSISTANT else quoted(plain(content))


def plain(text: str) -> str:
    """Text that reads in Markdown as it was written, each line on its own."""
    lines = [escaped(line.strip()) for line in text.split("\n")]
    # A backslash breaks the line; before an empty line there is nothing to break.
    return "\n".join(
        f"{line}\\" if line and after else line for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )


def escaped(line: str) -> str:
    return OPENS_A_BLOCK.sub(r"\1\\", SPECIAL.sub(r"\\\g<0>", line))


def one_line(text: str) -> str:
    return plain(" ".join(text.split()))


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n"))


def link(citation: Citation) -> str:
    title = one_line(citation.title)
    return f"{citation.number}. [{title}]({citation.url})" if citation.url else f"{citation.number}. {title}"


def harmless(markdown: str) -> str:
    """Markdown without raw HTML and without definitions that would lend their address to other messages."""
    for _ in range(READINGS):
        tags, definitions, is_too_deep = findings(markdown)
        if is_too_deep:
            break
        if not tags and not definitions:
            return markdown
        lines = markdown.split("\n")
        for number in tags:
            lines[number] = lines[number].replace("<", "&lt;")
        for number in definitions:
            lines[number] = lines[number].replace("[", "&#91;")
        markdown = "\n".join(lines)
    return markdown.replace("<", "&lt;").replace("[", "&#91;")


def findings(markdown: str) -> tuple[set[int], set[int], bool]:
    """The lines that hold raw HTML, those that define links, and whether it is nested too deep to know."""
    if "<" not in markdown and "[" not in markdown:
        return set(), set(), False
    context: dict[str, dict[str, dict[str, list[int]]]] = {}
    tokens = MarkdownIt("commonmark", {"maxNesting": 2 * DEEPEST}).parse(markdown, context)
    tags: set[int] = set()
    for token in tokens:
        children = token.children or ()
        if token.map and (token.type == "html_block" or any(child.type == "html_inline" for child in children)):
            tags.update(range(*token.map))
    defined = (definition["map"] for definition in context.get("references", {}).values())
    is_too_deep = any(token.level > DEEPEST for token in tokens)
    return tags, {number for first, last in defined for number in range(first, last)}, is_too_deep
