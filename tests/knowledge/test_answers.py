"""The local agent quotes, cites, admits what it does not find, and can be talked to."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.knowledge.answers import MOST_SOURCES, Kind, answer
from apps.knowledge.conversation import context_of, small_talk
from apps.knowledge.ingest import Report, write_by_hand
from apps.knowledge.models import Document
from apps.knowledge.quotes import parts, quote, sentences
from tests.knowledge.conftest import PAGES

pytestmark = [pytest.mark.database, pytest.mark.django_db]
SELECTION = "Sourdough rests for a night. It is baked at 240 degrees. Then it cools for an hour."


def test_an_answer_quotes_and_cites(bakery: Report) -> None:
    reply = answer("How long does a wedding cake take?")
    assert reply.text.startswith("A wedding cake takes two weeks.")
    assert "[1]" in reply.text
    assert reply.sources[0].title == "Orders › Wedding cakes"


def test_only_what_stands_there_is_said(bakery: Report) -> None:
    site = " ".join(" ".join(PAGES.values()).split())
    reply = answer("When are you open on holidays and can I cancel an order?")
    for sentence in sentences(re.sub(r"\s*\[\d\]", "", " ".join(reply.text.split()))):
        assert sentence in site


def test_every_number_has_its_source(bakery: Report) -> None:
    reply = answer("order bread by phone or by program")
    numbers = {int(number) for number in re.findall(r"\[(\d)\]", reply.text)}
    assert numbers == set(range(1, len(numbers) + 1))
    assert len(numbers) <= len(reply.sources) <= MOST_SOURCES


def test_code_is_quoted_whole(bakery: Report) -> None:
    reply = answer("How do I order by program?")
    assert "```sh\ncurl -d bread=2 https://bakery.example/orders\n```" in reply.text


def test_the_pieces_are_the_text(bakery: Report) -> None:
    reply = answer("How do I order by program?")
    assert len(list(reply.chunks)) > 5
    assert "".join(reply.chunks) == reply.text


def test_the_same_question_has_the_same_answer(bakery: Report) -> None:
    assert answer("When do you open?") == answer("When do you open?")


def test_nothing_found_is_admitted(bakery: Report) -> None:
    reply = answer("Who won the chess tournament in Reykjavik?")
    assert (reply.kind, reply.sources) == (Kind.NOTHING, ())
    assert reply.text.startswith("I found nothing about that")


def test_nothing_found_is_admitted_in_the_language_of_the_question(bakery: Report) -> None:
    assert answer("Wer hat denn das Schachturnier in Reykjavik gewonnen?").text.startswith("Dazu habe ich")


@pytest.mark.parametrize(
    ("said", "start"),
    [
        ("Hello!", "Hello!"),
        ("hi there 👋", "Hello!"),
        ("Thanks a lot.", "You are welcome."),
        ("bye", "Goodbye"),
        ("Who are you?", "I am the assistant"),
        ("Hello, what can you do?", "I am the assistant"),
        ("Danke schön!", "Gern geschehen."),
        ("Bonjour", "Bonjour"),
        ("¿Quién eres?", "Soy el asistente"),
        ("", "What would you like to know?"),
        ("?!", "What would you like to know?"),
    ],
)
def test_small_talk_is_answered_kindly(bakery: Report, said: str, start: str) -> None:
    reply = answer(said)
    assert (reply.kind, reply.text[: len(start)]) == (Kind.SMALL_TALK, start)


@pytest.mark.parametrize("said", ["Hello, when do you open?", "thanks but where is it", "help me bake", "who bakes"])
def test_a_question_with_a_greeting_is_a_question(said: str) -> None:
    assert small_talk(said, "en") is None


def test_a_follow_up_uses_the_conversation(bakery: Report) -> None:
    turns = [("user", "Do you make wedding cakes?"), ("assistant", "A wedding cake takes two weeks. [1]")]
    assert answer("and do you deliver it?", turns=turns).sources[0].title == "Orders › Wedding cakes"


def test_a_chain_of_follow_ups_reaches_back_to_what_it_is_about() -> None:
    turns = [("user", "Do you make wedding cakes?"), ("assistant", "Yes."), ("user", "and the price of it?")]
    assert context_of("and when?", turns, "en") == "and the price of it?\nDo you make wedding cakes?"


def test_a_question_that_stands_by_itself_leaves_the_conversation_alone() -> None:
    turns = [("user", "Do you make wedding cakes?")]
    assert context_of("When does the shop open on public holidays?", turns, "en") == ""


def test_a_selected_text_answers_where_it_can(bakery: Report) -> None:
    reply = answer("At how many degrees is sourdough baked?", selected_text=SELECTION)
    assert reply.text.startswith("The selected text says:")
    assert "240 degrees" in reply.text


def test_a_selected_text_without_the_answer_is_said_so_and_the_documents_asked(bakery: Report) -> None:
    reply = answer("How long does a wedding cake take?", selected_text=SELECTION)
    assert reply.text.startswith("The selected text does not answer that. The documents of this site say:")
    assert reply.sources[0].title == "Orders › Wedding cakes"


def test_a_selected_text_without_the_answer_and_no_document_is_said_so(bakery: Report) -> None:
    reply = answer("Who won the chess tournament?", selected_text=SELECTION)
    assert (reply.kind, reply.text) == (Kind.NOTHING, "The selected text does not answer that.")


def test_explain_this_is_about_the_whole_selection(bakery: Report) -> None:
    assert "Sourdough rests for a night." in answer("Explain this", selected_text=SELECTION).text


def test_markup_in_a_selection_stays_text(bakery: Report) -> None:
    reply = answer("what is baked", selected_text="<img src=x onerror=alert(1)> [click](javascript:x) is baked.")
    assert "\\<img" in reply.text
    assert "\\[click\\]" in reply.text


def test_empty_cells_of_a_table_stay_cells() -> None:
    assert quote("a | b | c\nd | |", {}, "en", room=100) == ["| a | b | c |\n| --- | --- | --- |\n| d |  |  |"]


def test_a_long_passage_is_quoted_in_part(db: None) -> None:
    filler = "The flour is milled by hand. " * 40
    write_by_hand(Document(title="Rye", body=f"{filler}\n\nRye dough needs vinegar to rise. It is sour.\n\n{filler}"))
    reply = answer("vinegar for rye dough")
    assert "Rye dough needs vinegar to rise." in reply.text
    assert len(reply.text) < 900


def test_sentences_do_not_end_after_an_abbreviation() -> None:
    assert sentences("Use e.g. Rye flour. It is dark. (Really.) Good.") == [
        "Use e.g. Rye flour.",
        "It is dark.",
        "(Really.)",
        "Good.",
    ]


def test_code_with_empty_lines_is_one_part() -> None:
    text = "Before.\n\n```py\na = 1\n\nb = 2\n```\n\n- one\n- two"
    assert [part.text for part in parts(text)] == ["Before.", "```py\na = 1\n\nb = 2\n```", "- one\n- two"]


@given(text=st.text(max_size=400))
def test_any_text_can_be_quoted(text: str) -> None:
    if text.strip():
        quote(text, {"a": 1.0}, "en", room=100)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.text(max_size=120), selected=st.text(max_size=200))
def test_anything_said_is_answered(bakery: Report, question: str, selected: str) -> None:
    assert answer(question, selected_text=selected).text


def test_a_table_is_quoted_as_one() -> None:
    text = "Prices differ:\n\nloaf | price\nrye | 4.50\nspelt | `5|6`"
    assert quote(text, {}, "en", room=500) == [
        "Prices differ:",
        "| loaf | price |\n| --- | --- |\n| rye | 4.50 |\n| spelt | `5\\|6` |",
    ]


def test_of_a_long_table_the_rows_that_say_most_are_quoted() -> None:
    rows = [f"loaf {number} | bakes {number} minutes" for number in range(60)]
    found = quote("\n".join(["loaf | time", *rows, "challah | bakes 35 minutes"]), {"challah": 1.0}, "en", room=300)
    assert found == ["| loaf | time |\n| --- | --- |\n| challah | bakes 35 minutes |"]


def test_lines_that_only_look_like_a_table_stay_as_they_are() -> None:
    assert quote("a | b\nc", {}, "en", room=300) == ["a | b\nc"]


def test_bars_inside_cells_stay_inside() -> None:
    body = "| bread | price |\n|---|---:|\n| rye | 4 |\n| `oat\\|corn` | 5 |"
    write_by_hand(Document(title="Prices", body=f"What bread costs.\n\n{body}"))
    reply = answer("What does rye bread cost?")
    assert reply.text.endswith(
        "What bread costs. [1]\n\n| bread | price |\n| --- | --- |\n| rye | 4 |\n| `oat\\|corn` | 5 |"
    )


def test_a_table_alone_is_introduced_and_cited() -> None:
    write_by_hand(Document(title="Loaves", body="| loaf | price |\n| --- | --- |\n| pumpernickel | 6 |"))
    reply = answer("What is the price of pumpernickel?")
    assert reply.text == "Loaves: [1]\n\n| loaf | price |\n| --- | --- |\n| pumpernickel | 6 |"
