"""One search for both databases: they find candidates by their own index, `ranking` decides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.knowledge import corpus, excerpts, ranking
from apps.knowledge.corpus import Snapshot
from apps.knowledge.models import Passage
from apps.knowledge.questions import Question, understand
from apps.knowledge.ranking import Ranked

CANDIDATES = 80
# A term in more passages than this share says too little to fetch them all, where others say more.
COMMON = 0.25
MATCHES = {
    "sqlite": "SELECT rowid AS id, {weight} AS weight FROM knowledge_search WHERE knowledge_search MATCH %s",
    "postgresql": "SELECT id, {weight} AS weight FROM knowledge_passage WHERE search @@ %s::tsquery",
}
BEST = "SELECT found.id FROM ({matches}) AS found {published} GROUP BY found.id ORDER BY SUM(weight) DESC, 1 LIMIT %s"
PUBLISHED = """
    JOIN knowledge_passage ON knowledge_passage.id = found.id
    JOIN knowledge_document ON knowledge_document.id = document_id AND is_published
"""


@dataclass(frozen=True, slots=True)
class Found:
    """One passage that a question found."""

    passage_id: UUID
    document_id: int
    title: str
    url: str
    excerpt: str
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked passage in full, for those who compose answers from it."""

    passage: Passage
    score: float


def search(
    question: str, *, limit: int = 5, language: str = "", context: str = "", passages_per_page: int = 1
) -> list[Found]:
    """The passages that answer the question best, best first. `context` is what was talked about before."""
    language = language or settings.CHATKIT.knowledge_language
    known = corpus.current()
    asked = understand(question, known, language=language, context=context)
    hits = look_up(asked, known, limit=limit, passages_per_page=passages_per_page)
    return [found(hit, asked) for hit in hits]


def found(hit: Hit, asked: Question) -> Found:
    passage = hit.passage
    return Found(
        passage_id=passage.key,
        document_id=passage.document_id,
        title=passage.title_path,
        url=passage.url,
        excerpt=excerpts.excerpt(passage.text, asked.term_weights(), passage.language),
        score=hit.score,
    )


def look_up(asked: Question, known: Snapshot, *, limit: int, passages_per_page: int) -> list[Hit]:
    ranked = ranking.rank(asked, known.entries(candidates(asked, known)), known)
    wider = Question([*asked.concepts, *ranking.learned(ranked, asked, known)], asked.phrases)
    ranked = ranking.rank(wider, known.entries(candidates(wider, known)), known)
    ranking.give_scores(ranked, asked.concepts)
    chosen = first_of_pages(ranked, limit=limit, passages_per_page=passages_per_page)
    keys = [row.entry.pk for row in chosen]
    passages = Passage.objects.published().select_related("document").in_bulk(keys)
    # What was withdrawn or deleted a moment ago is not there any more.
    return [Hit(passages[row.entry.pk], row.score) for row in chosen if row.entry.pk in passages]


def first_of_pages(ranked: Sequence[Ranked], *, limit: int, passages_per_page: int) -> list[Ranked]:
    taken: dict[int, int] = {}
    chosen: list[Ranked] = []
    for row in ranked:
        count = taken.get(row.entry.document, 0)
        if count < passages_per_page and len(chosen) < limit:
            taken[row.entry.document] = count + 1
            chosen.append(row)
    return chosen


def candidates(asked: Question, known: Snapshot) -> list[int]:
    """Passages that contain the most telling terms, by the database's index."""
    weights = telling(asked, known)
    if not weights:
        return []
    match = MATCHES[connection.vendor]
    # Weights are numbers of ours; terms are letters and digits only, quoted so that no syntax can arise.
    matches = " UNION ALL ".join(match.format(weight=f"{weight:.4f}") for weight in weights.values())
    statement = BEST.format(matches=matches, published=PUBLISHED if known.has_drafts else "")
    with connection.cursor() as cursor:
        cursor.execute(statement, [*map(quoted, weights), CANDIDATES])
        return [row[0] for row in cursor.fetchall()]


def telling(asked: Question, known: Snapshot) -> dict[str, float]:
    """The known terms, without those that nearly every passage contains unless there is nothing else."""
    present = {term: weight for term, weight in asked.term_weights().items() if term in known.frequency}
    most = max(20, math.ceil(COMMON * known.passages))
    rare = {term: weight for term, weight in present.items() if known.frequency[term] <= most}
    return rare or present


def quoted(term: str) -> str:
    return f'"{term}"' if connection.vendor == "sqlite" else f"'{term}'"
