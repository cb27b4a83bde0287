"""The local agent: quotes what stands in the documents, with numbered sources, and says so when nothing does."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from apps.knowledge import corpus
from apps.knowledge.conversation import Turns, context_of, language_of, say, small_talk, spoken, talk
from apps.knowledge.languages import stop_words, words
from apps.knowledge.questions import Question, understand
from apps.knowledge.quotes import best_run, quote, sentences
from apps.knowledge.search import Findings, Found, Hit, default_language, find_passages, found

MOST_SOURCES = 5
QUOTED = 3
LONGEST_SELECTION = 5_000
# Below the first nothing is claimed, below the second pages are named but not quoted as the answer.
NEAR, ANSWERS = 0.12, 0.25
# A passage this much weaker than the best is not part of the answer.
COMPARABLE = 0.75
FIRST_ROOM, NEXT_ROOM = 600, 280
# The share of the question, by weight, that a selected text must speak about to answer it.
SELECTION_ANSWERS = 0.4
PIECE = re.compile(r"\s*\S+")


class Kind(StrEnum):
    ANSWER = "answer"
    NOTHING = "nothing"
    SMALL_TALK = "small_talk"


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply and the passages it rests on; `[1]` in the text is the first of the sources."""

    kind: Kind
    text: str
    sources: tuple[Found, ...] = ()

    @property
    def chunks(self) -> Iterator[str]:
        """The text word by word, each with the space before it: joined they are the text."""
        position = 0
        for match in PIECE.finditer(self.text):
            yield match[0]
            position = match.end()
        if position < len(self.text):
            yield self.text[position:]


def answer(question: str, *, selected_text: str = "", turns: Turns = (), language: str = "") -> Answer:
    """Answers from the published documents; with a selected text, about that text. `turns` are (role, text)."""
    site = language or default_language()
    question = question.replace("\x00", " ").strip()
    tongue = language_of(question, site)
    if not spoken(question):
        return Answer(Kind.SMALL_TALK, say("empty", site))
    if (reply := small_talk(question, site)) is not None:
        return Answer(Kind.SMALL_TALK, reply)
    findings = find_passages(question, limit=8, language=site, context=context_of(question, turns, tongue))
    if selected_text.strip():
        return about_selection(question, selected_text[:LONGEST_SELECTION], findings, tongue)
    return from_documents(findings, tongue)


def from_documents(findings: Findings, tongue: str) -> Answer:
    best = findings.hits[0].score if findings.hits else 0.0
    if best < NEAR:
        return Answer(Kind.NOTHING, say("nothing", tongue))
    if best < ANSWERS:
        return name_pages(findings, tongue)
    return quoted(findings)


def name_pages(findings: Findings, tongue: str) -> Answer:
    sources = numbered(findings.asked, first_of_each_page(findings.hits)[:3])
    lines = [f"- {escaped(source.title)} [{number}]" for number, source in enumerate(sources, 1)]
    return Answer(Kind.NOTHING, "\n".join([say("near", tongue), "", *lines]), sources)


def quoted(findings: Findings, opening: str = "") -> Answer:
    """The best passages' own words, each followed by its number."""
    best = findings.hits[0].score
    used = [hit for hit in findings.hits if hit.score >= COMPARABLE * best][:QUOTED]
    rest = [hit for hit in first_of_each_page(findings.hits) if hit not in used and hit.score >= best / 2]
    paragraphs = [opening] if opening else []
    seen: set[str] = set()
    for number, hit in enumerate(used, 1):
        blocks = [block for block in blocks_of(hit, findings.asked, is_first=number == 1) if block not in seen]
        seen.update(blocks)
        paragraphs.extend(cited(blocks, number, hit))
    return Answer(Kind.ANSWER, "\n\n".join(paragraphs), numbered(findings.asked, [*used, *rest][:MOST_SOURCES]))


def blocks_of(hit: Hit, asked: Question, *, is_first: bool) -> list[str]:
    weights = asked.term_weights()
    return quote(hit.text, weights, hit.language, room=FIRST_ROOM if is_first else NEXT_ROOM)


def cited(blocks: Sequence[str], number: int, hit: Hit) -> list[str]:
    """The number goes behind the last words, never into code or tables; these alone are introduced by their heading."""
    mark = f"[{number}]"
    places = [index for index, block in enumerate(blocks) if not block.startswith(("```", "| "))]
    if not places:
        return [f"{escaped(hit.heading)}: {mark}", *blocks] if blocks else []
    last = places[-1]
    return [f"{block} {mark}" if index == last else block for index, block in enumerate(blocks)]


def first_of_each_page(hits: Sequence[Hit]) -> list[Hit]:
    pages: dict[int, Hit] = {}
    for hit in hits:
        pages.setdefault(hit.document_id, hit)
    return list(pages.values())


def numbered(asked: Question, hits: Sequence[Hit]) -> tuple[Found, ...]:
    return tuple(found(hit, asked) for hit in hits)


def escaped(text: str) -> str:
    return re.sub(r"([\\*_`\[\]<>])", r"\\\1", text)


def about_selection(question: str, selected: str, findings: Findings, tongue: str) -> Answer:
    """Quotes the selected text where it answers; where it does not, says so, and then what the documents say."""
    lines = sentences(" ".join(selected.split()))
    asks_to_explain = is_about_all(question, tongue)
    asked = understand(question, corpus.current(), language=default_language())
    if asks_to_explain or speaks_about(selected, asked) >= SELECTION_ANSWERS:
        weights = {} if asks_to_explain else asked.term_weights()
        run = " ".join(best_run(lines, weights, default_language(), FIRST_ROOM // 2)) if lines else selected.strip()
        return with_documents(f"{say('selection', tongue)}\n\n> {escaped(run)}", selected, asks_to_explain, tongue)
    found_elsewhere = findings.hits and findings.hits[0].score >= ANSWERS
    if not found_elsewhere:
        return Answer(Kind.NOTHING, say("not selected", tongue))
    return quoted(findings, f"{say('not selected', tongue)} {say('elsewhere', tongue)}")


def with_documents(text: str, selected: str, asks_to_explain: bool, tongue: str) -> Answer:
    """What the documents say about an explained selection, under it."""
    findings = find_passages(selected[:400], limit=4) if asks_to_explain else None
    if findings is None or not findings.hits or findings.hits[0].score < ANSWERS:
        return Answer(Kind.ANSWER, text)
    return quoted(findings, f"{text}\n\n{say('elsewhere', tongue)}")


def is_about_all(question: str, tongue: str) -> bool:
    """`Explain this` asks for the whole selection, not for a part of it."""
    explaining = {word for phrase in talk(tongue)["explain"].split(",") for word in spoken(phrase)}
    content = [word for word in spoken(question) if word not in stop_words(tongue)]
    ignored = explaining | {"text", "selection", "selected", "paragraph", "section", "sentence", "briefly", "simple"}
    return all(word in ignored for word in content)


def speaks_about(text: str, asked: Question) -> float:
    terms = {word.term for word in words(text, default_language())}
    total = sum(concept.weight for concept in asked.concepts)
    present = sum(
        concept.weight * max((strength for term, strength in concept.terms.items() if term in terms), default=0.0)
        for concept in asked.concepts
    )
    return present / total if total else 0.0
