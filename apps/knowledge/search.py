"""One search for both databases: they find candidates by their own index, `ranking` decides."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.knowledge import corpus, ranking
from apps.knowledge.corpus import Snapshot
from apps.knowledge.excerpts import excerpt
from apps.knowledge.models import with_anchor
from apps.knowledge.questions import Question, understand
from apps.knowledge.ranking import Ranked

CANDIDATES = 40
# Synonyms of synonyms add little beyond the strongest terms.
LOOKED_UP = 24
# A term in more passages than this share says too little to fetch them all, where others say more.
COMMON = 0.25
MATCHES = {
    "sqlite": "SELECT rowid AS id, {weight} AS weight FROM knowledge_search WHERE knowledge_search MATCH %s",
    "postgresql": "SELECT id, {weight} AS weight FROM knowledge_passage WHERE search @@ %s::tsquery",
}
BEST = "SELECT found.id FROM ({matches}) AS found {published} GROUP BY found.id ORDER BY SUM(weight) DESC, 1 LIMIT %s"
FULL = """
    SELECT passage.id, key, document_id, document.title, title_path, heading, anchor, url, text, passage.language
    FROM knowledge_passage AS passage JOIN knowledge_document AS document ON document.id = document_id
    WHERE is_published AND passage.id IN ({places})
"""
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

    passage_id: UUID
    document_id: int
    page_title: str
    title: str
    heading: str
    url: str
    text: str
    language: str
    score: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What a question was understood as, and the passages it found, best first."""

    asked: Question
    hits: list[Hit]


def search(
    question: str, *, limit: int = 5, language: str = "", context: str = "", passages_per_page: int = 1
) -> list[Found]:
    """The passages that answer the question best, best first. `context` is what was talked about before."""
    findings = find_passages(
        question, limit=limit, language=language, context=context, passages_per_page=passages_per_page
    )
    return [found(hit, findings.asked) for hit in findings.hits]


def find_passages(
    question: str, *, limit: int = 5, language: str = "", context: str = "", passages_per_page: int = 3
) -> Findings:
    """`search` with the passages in full."""
    known = corpus.current()
    asked = understand(question, known, language=language or default_language(), context=context)
    return Findings(asked, look_up(asked, known, limit=limit, passages_per_page=passages_per_page))


def default_language() -> str:
    return str(settings.CHATKIT.knowledge_language)


def found(hit: Hit, asked: Question) -> Found:
    return Found(
        passage_id=hit.passage_id,
        document_id=hit.document_id,
        title=hit.title,
        url=hit.url,
        excerpt=excerpt(hit.text, asked.term_weights(), hit.language),
        score=hit.score,
    )


def look_up(asked: Question, known: Snapshot, *, limit: int, passages_per_page: int) -> list[Hit]:
    ranked = ranking.rank(asked, known.entries(candidates(asked, known)), known)
    chosen = first_of_pages(ranked, limit=limit, passages_per_page=passages_per_page)
    scores = {row.entry.pk: row.score for row in chosen}
    hits = dict(full(scores))
    # What was withdrawn or deleted a moment ago is not there any more.
    return [hits[pk] for pk in scores if pk in hits]


def full(scores: Mapping[int, float]) -> Iterator[tuple[int, Hit]]:
    """The passages with their pages. Plain SQL: building model instances takes longer than ranking does."""
    if not scores:
        return
    with connection.cursor() as cursor:
        cursor.execute(FULL.format(places=", ".join(["%s"] * len(scores))), list(scores))
        for pk, key, document, page, path, heading, anchor, url, text, language in cursor.fetchall():
            address = with_anchor(url, anchor)
            yield pk, Hit(UUID(str(key)), document, page, path, heading, address, text, language, scores[pk])


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
    strongest = sorted((rare or present).items(), key=lambda item: (-item[1], item[0]))
    return dict(strongest[:LOOKED_UP])


def quoted(term: str) -> str:
    return f'"{term}"' if connection.vendor == "sqlite" else f"'{term}'"
