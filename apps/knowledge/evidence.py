"""What the site's documents say about a question, in full, for those who word the answer themselves."""

from dataclasses import dataclass

from apps.knowledge.answers import LONGEST_SELECTION, MOST_SOURCES, NEAR
from apps.knowledge.conversation import Turns, context_of, language_of, small_talk
from apps.knowledge.search import Found, Hit, default_language, find_passages, found


@dataclass(frozen=True, slots=True)
class Evidence:
    """The language of the question, and passages, best first, as they are shown and as they are read."""

    language: str
    sources: tuple[Found, ...] = ()
    hits: tuple[Hit, ...] = ()


def evidence(question: str, *, selected_text: str = "", turns: Turns = ()) -> Evidence:
    site = default_language()
    question = question.replace("\x00", " ").strip()
    tongue = language_of(question, site)
    if small_talk(question, site) is not None:
        return Evidence(tongue)
    context = "\n".join([context_of(question, turns, tongue), selected_text[:LONGEST_SELECTION]]).strip()
    findings = find_passages(question, limit=MOST_SOURCES, language=site, context=context)
    hits = tuple(hit for hit in findings.hits if hit.score >= NEAR)
    return Evidence(tongue, tuple(found(hit, findings.asked) for hit in hits), hits)
