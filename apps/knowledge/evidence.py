"""What the site's documents say about a question, in full, for those who word the answer themselves."""

from dataclasses import dataclass

from apps.knowledge.answers import LONGEST_SELECTION, MOST_SOURCES, NEAR
from apps.knowledge.conversation import Turns, context_of, language_of, small_talk
from apps.knowledge.questions import Question
from apps.knowledge.search import Found, Hit, default_language, find_passages, found


@dataclass(frozen=True, slots=True)
class Evidence:
    """The language of the question, and passages, best first."""

    language: str
    asked: Question | None = None
    hits: tuple[Hit, ...] = ()

    def sources(self) -> list[Found]:
        """As people are shown them. Finding the words to show takes as long as finding the passages."""
        return [found(hit, self.asked) for hit in self.hits] if self.asked else []


def evidence(question: str, *, selected_text: str = "", turns: Turns = ()) -> Evidence:
    site = default_language()
    question = question.replace("\x00", " ").strip()
    tongue = language_of(question, site)
    if small_talk(question, site) is not None:
        return Evidence(tongue)
    context = "\n".join([context_of(question, turns, tongue), selected_text[:LONGEST_SELECTION]]).strip()
    findings = find_passages(question, limit=MOST_SOURCES, language=site, context=context)
    return Evidence(tongue, findings.asked, tuple(hit for hit in findings.hits if hit.score >= NEAR))
