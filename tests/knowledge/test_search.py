"""Search finds what is meant, is never confused by what is typed, and scores mean something."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from apps.knowledge.corpus import current
from apps.knowledge.excerpts import LONGEST_EXCERPT, excerpt
from apps.knowledge.ingest import Report, ingest, write_by_hand
from apps.knowledge.languages import terms
from apps.knowledge.models import Document, Passage
from apps.knowledge.questions import distance
from apps.knowledge.search import search
from chatkit.config import Config
from tests.environment import ROOT
from tests.knowledge.conftest import SITE, Write
from tests.live import clean_environment

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def first(question: str) -> str:
    found = search(question)
    return found[0].title if found else ""


@pytest.mark.parametrize(
    "question",
    [
        "How long does a wedding cake take?",
        "weddings",
        "WEDDING",
        "wedd",
        "weding cake",
        "wedidng cake",
        "weddingcake",
        "wedding-cake",
        '"wedding cake"',
    ],
)
def test_a_passage_is_found_however_it_is_typed(bakery: Report, question: str) -> None:
    assert first(question) == "Orders › Wedding cakes"


def test_another_word_for_the_same_thing_finds_it(bakery: Report) -> None:
    assert first("abort my purchase") == "Orders › Cancelling an order"


def test_accents_need_not_be_typed(db: None) -> None:
    write_by_hand(Document(title="Café", body="Crème brûlée is on the menu."))
    assert first("creme brulee") == "Café"


def test_a_quoted_phrase_comes_before_its_scattered_words(db: None) -> None:
    scattered = "The slow oven is old. Bread bakes in it. A low heat makes the crust. " * 3
    write_by_hand(Document(title="A", body=f"{scattered} Low bread, slow oven."))
    write_by_hand(Document(title="B", body="Set it to a low oven and wait. " + "Something else is said here. " * 9))
    assert first('"low oven"') == "B"


def test_every_result_says_where_it_stands(bakery: Report) -> None:
    found = search("gluten")[0]
    assert (found.title, found.url) == ("Allergens", f"{SITE}/allergens")
    assert Passage.objects.get(key=found.passage_id).document_id == found.document_id


def test_a_page_comes_once_unless_more_is_asked_for(bakery: Report) -> None:
    once = search("order bread cake", limit=10)
    often = search("order bread cake", limit=10, passages_per_page=3)
    assert len({row.document_id for row in once}) == len(once)
    assert len(often) > len(once)


def test_scores_fall_from_the_first_to_the_last(bakery: Report) -> None:
    scores = [row.score for row in search("order a wedding cake for the holidays", limit=10)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_title_scores_near_one_and_an_incidental_word_low(bakery: Report) -> None:
    assert search("Wedding cakes")[0].score > 0.9
    assert search("Opening hours")[0].score > 0.9
    incidental = search("which motorcycle did the astronaut phone about yesterday")
    assert max((row.score for row in incidental), default=0.0) < 0.25


def test_a_question_about_nothing_here_finds_nothing(bakery: Report) -> None:
    assert search("xylophone quartet") == []


@pytest.mark.parametrize("question", ["", "   ", "?!", "\x00", "😀", "NEAR(", "*", '"', "''", "a:b OR *"])
def test_odd_questions_end_well(bakery: Report, question: str) -> None:
    search(question)


def test_an_empty_corpus_finds_nothing(db: None) -> None:
    Document.objects.all().delete()
    assert search("anything") == []


QUERY_SYNTAX = ['"', "'", "*", ":", "^", "(", ")", "-", "+", "&", "|", "!", "<->", "\\", "%", "%s", "{", "}", ";", "--"]
SYNTAX = st.lists(
    st.sampled_from(
        [*QUERY_SYNTAX, " ", "NEAR", "OR", "AND NOT", "wedding", "cake", "\x00", "😀", "é", "ß", "กข", "日本"]
    )
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.one_of(st.text(max_size=300), SYNTAX.map("".join)))
@example("wedding " * 1_000)
@example("a" * 8_000)
@example('"' * 8_000)
@example("ŉ ǰ ŀ ﬁ ½ ² Ⅳ \uff11 \uff41 \u0345 \u200d \ud800")
def test_query_syntax_is_harmless(bakery: Report, question: str) -> None:
    for row in search(question):
        assert len(row.excerpt) <= LONGEST_EXCERPT


LETTERS = st.text(st.characters(categories=["L", "M", "N", "Zs"]), max_size=60)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(categories=["L", "M", "N", "Zs"]), max_size=60).filter(lambda text: terms(text, "en"))
)
@example("กำลัง ภาษาไทย")
@example("हिन्दी में")
@example("İstanbul ﬁne ½ Ⅳ")
@example("\U0001d504")
def test_whatever_is_written_is_found_by_its_own_words(bakery: Report, text: str) -> None:
    document = Document(title="Note", body=f"Note {text}")
    write_by_hand(document)
    found = [row.document_id for row in search(text, limit=50)]
    written = document.pk
    document.delete()
    assert written in found, ascii(text)


def test_context_helps_a_question_that_leaves_it_out(bakery: Report) -> None:
    assert search("how long does it take", context="I want a wedding cake")[0].title == "Orders › Wedding cakes"


def test_another_process_changes_what_is_found_at_once(transactional_db: None, database_url: str, write: Write) -> None:
    path = write("a.md", "# Baking\n\nBread is baked.\n")
    ingest([str(path)])
    assert first("bread") == "Baking"
    path.write_text("# Baking\n\nPretzels are baked.\n")
    environment = {"DATABASE_URL": database_url, "SECRET_KEY": "s" * 40}
    command = [sys.executable, "manage.py", "ingest", str(path)]
    subprocess.run(command, cwd=ROOT, env=clean_environment(environment), check=True, capture_output=True)
    assert (first("bread"), first("pretzel")) == ("", "Baking")


def test_a_change_by_plain_sql_is_noticed(bakery: Report) -> None:
    before = current().stamp
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM knowledge_passage WHERE heading = 'Wedding cakes'")
    assert current().stamp != before
    assert first("wedding") == ""


@pytest.mark.django_db(transaction=True)
def test_threads_search_at_the_same_time(folder: Path) -> None:
    ingest([str(folder)])

    def ask(question: str) -> str:
        try:
            return first(question)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, ["weddings"] * 64))
    assert found == {"Orders › Wedding cakes"}


def test_a_warm_search_costs_three_queries(bakery: Report, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    search("wedding cake")
    with django_assert_num_queries(3):
        search("wedding cake")


def test_documents_are_stemmed_in_their_own_language(db: None, settings: Settings) -> None:
    settings.CHATKIT = Config(knowledge_language="de")
    write_by_hand(Document(title="Öffnungszeiten", body="An Feiertagen sind die Läden geschlossen."))
    assert first("Wann ist der Laden am Feiertag geschlossen?") == "Öffnungszeiten"


def test_text_without_spaces_is_searched_by_pairs(db: None) -> None:
    write_by_hand(Document(title="パン", body="東京駅の近くにパン屋があります。"))
    assert first("東京駅") == "パン"


def test_the_command_shows_ranked_passages(bakery: Report) -> None:
    out = StringIO()
    call_command("search", "wedding", "cake", "--limit", "1", stdout=out)
    assert out.getvalue().splitlines() == [
        "1. 1.00 ■■■■■■■■■■  Orders › Wedding cakes",
        f"   {SITE}/orders#wedding-cakes",
        "   A wedding cake takes two weeks. Bring a picture of what you like. We deliver",
        "   it ourselves.",
    ]


def test_the_command_says_that_nothing_is_ingested(db: None) -> None:
    out = StringIO()
    call_command("search", "bread", stdout=out)
    assert out.getvalue() == "Nothing is ingested yet.\n"


def test_an_excerpt_shows_the_match_and_cuts_between_words() -> None:
    text = "Flour is milled. " * 30 + "The **oven** is hot. " + "Water is wet. " * 30
    found = excerpt(text, {"oven": 1.0}, "en")
    assert found.startswith("… The oven is hot.")
    assert found.endswith("…")
    assert len(found) <= LONGEST_EXCERPT


@given(text=st.text(max_size=600), weights=st.dictionaries(st.text(max_size=5), st.floats(0, 9), max_size=4))
def test_an_excerpt_is_never_too_long(text: str, weights: dict[str, float]) -> None:
    assert len(excerpt(text, weights, "en")) <= LONGEST_EXCERPT


@pytest.mark.parametrize(("one", "other", "mistakes"), [("oven", "ovne", 1), ("oven", "ove", 1), ("oven", "open", 1)])
def test_a_swap_an_omission_and_a_wrong_letter_are_one_mistake(one: str, other: str, mistakes: int) -> None:
    assert distance(one, other, 2) == mistakes
