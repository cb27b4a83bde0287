"""What somebody may want to read next: passages near what they asked about, that no answer has shown them yet.

A page is worth the best answer that it gave, summed over the questions and fading with their age; pages that are about
the same as those are worth half. A passage is worth its own answers, and its page's worth the less the further it
stands from what was asked about or shown. Passages that were shown are left out. All numbers come from search scores,
and ties go by page and place, so that the same history gives the same list.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from apps.chat.interests import Interest
from apps.knowledge.models import Document, Passage, with_anchor
from apps.knowledge.search import search

SIMILAR_TO, SIMILAR = 3, 5
OF_SIMILAR_PAGE = 0.5
OF_THE_PAGE = 0.6
# What fits somebody's level comes before what does not, other things being equal.
UNFIT = 0.85
MOST = 5
START = 20
PAGES_OF_PATH, STEPS_PER_PAGE, STEPS = 4, 4, 10
LONGEST_QUOTE = 80


@dataclass(frozen=True, slots=True)
class Place:
    """A passage, where it stands, and whether it shows code."""

    key: UUID
    page: int
    page_title: str
    position: int
    title: str
    url: str
    has_code: bool


@dataclass(frozen=True, slots=True)
class Recommendation:
    title: str
    url: str
    reason: str
    score: float


@dataclass(slots=True)
class Worth:
    """What pages and passages are worth to somebody, and why."""

    passages: dict[UUID, float] = field(default_factory=lambda: defaultdict(float))
    asked_as: dict[UUID, str] = field(default_factory=dict)
    pages: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    similar: dict[int, tuple[float, str]] = field(default_factory=dict)
    total: float = 0.0

    def of_page(self, page: int) -> float:
        return self.pages.get(page) or self.similar.get(page, (0.0, ""))[0]


def worth_of(interests: Iterable[Interest]) -> Worth:
    worth = Worth()
    for interest in interests:
        best: dict[int, float] = {}
        for key, page, score in interest.passages:
            worth.passages[key] += interest.weight * score
            worth.asked_as.setdefault(key, interest.asked)
            best[page] = max(best.get(page, 0.0), score)
        for page, score in best.items():
            worth.pages[page] += interest.weight * score
        worth.total += interest.weight if best else 0.0
    add_similar_pages(worth)
    return worth


def add_similar_pages(worth: Worth) -> None:
    """Pages that are found by the titles of those that were asked about."""
    strongest = sorted(worth.pages, key=lambda page: (-worth.pages[page], page))[:SIMILAR_TO]
    titles = dict(Document.objects.filter(pk__in=strongest, is_published=True).values_list("pk", "title"))
    for page in strongest:
        for row in search(titles.get(page, ""), limit=SIMILAR):
            value = OF_SIMILAR_PAGE * worth.pages[page] * row.score
            if row.document_id not in worth.pages and value > worth.similar.get(row.document_id, (0.0, ""))[0]:
                worth.similar[row.document_id] = value, titles[page]


def places_of(pages: Iterable[int]) -> list[Place]:
    """All published passages of these pages, in the order of the site."""
    columns = ("key", "document_id", "document__title", "position", "heading", "document__url", "anchor", "has_code")
    rows = (
        Passage.objects.published()
        .filter(document__in=list(pages))
        .annotate(has_code=Q(text__contains="```"))
        .order_by("document__source", "position")
        .values_list(*columns)
    )
    return [place(*row) for row in rows]


def place(
    key: UUID, page: int, page_title: str, position: int, heading: str, url: str, anchor: str, has_code: bool
) -> Place:
    title = page_title if heading == page_title else f"{page_title} › {heading}"
    return Place(key, page, page_title, position, title, with_anchor(url, anchor), bool(has_code))


def first_pages() -> list[int]:
    """Where the site begins: its pages as they are named."""
    return list(Document.objects.filter(is_published=True).order_by("source").values_list("pk", flat=True)[:START])


def rank(places: Iterable[Place], worth: Worth, met: frozenset[UUID], *, likes_code: bool) -> list[Recommendation]:
    """The best unread passage of each page, best first."""
    places = list(places)
    familiar = positions_known(places, worth, met)
    best: dict[int, tuple[float, Place]] = {}
    for place in places:
        if place.key in met:
            continue
        score = value_of(place, worth, familiar[place.page]) * (1.0 if place.has_code == likes_code else UNFIT)
        if place.page not in best or score > best[place.page][0]:
            best[place.page] = score, place
    # Sorting is stable: equal scores keep the order of the site.
    ranked = sorted(best.values(), key=lambda row: -row[0])[:MOST]
    return [
        Recommendation(place.title, place.url, reason(place, worth, bool(familiar[place.page])), round(score, 3))
        for score, place in ranked
    ]


def positions_known(places: Iterable[Place], worth: Worth, met: frozenset[UUID]) -> dict[int, list[int]]:
    known: dict[int, list[int]] = defaultdict(list)
    for place in places:
        if place.key in met or place.key in worth.passages:
            known[place.page].append(place.position)
    return known


def value_of(place: Place, worth: Worth, familiar: list[int]) -> float:
    """From 0, nothing that was asked about, to 1, the whole of every question."""
    distance = min((abs(place.position - position) for position in familiar), default=place.position)
    near = OF_THE_PAGE * worth.of_page(place.page) / (1 + distance)
    return min(1.0, max(worth.passages.get(place.key, 0.0), near) / worth.total) if worth.total else 0.0


def reason(place: Place, worth: Worth, is_familiar: bool) -> str:
    if (asked := worth.asked_as.get(place.key)) is not None:
        return f"You asked about this: “{shortened(asked)}”."
    if place.page in worth.pages:
        return f"More from “{place.page_title}”, which answers what you asked."
    if place.page in worth.similar:
        return f"Close to “{worth.similar[place.page][1]}”, which answers what you asked."
    return f"More from “{place.page_title}”." if is_familiar else "You have not read this page yet."


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1].rstrip()}…"


def path_of(places: Iterable[Place], worth: Worth, met: frozenset[UUID]) -> list[Place]:
    """What is unread of the pages that matter most, page by page, each in its own order."""
    unread: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        if place.key not in met:
            unread[place.page].append(place)
    pages = sorted(unread, key=lambda page: -worth.of_page(page))[:PAGES_OF_PATH]
    return [step for page in pages for step in unread[page][:STEPS_PER_PAGE]][:STEPS]
