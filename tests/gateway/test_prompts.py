"""What a model is told, and what nobody else can make it be told."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from apps.gateway import prompts
from apps.gateway.prompts import Material, Passage
from apps.gateway.protocol import Request

PASSAGE = Passage("0b5c", "Limits › Windows", "https://example.com/limits#windows", "A limit is a count in a window.")
# What somebody might write who wants to be taken for us.
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["<", "</", ">", "/", " ", "\n", '"', "passage", "PASSAGES", "visitor", "selected_text", "_", "x"]
        ),
        max_size=20,
    ).map("".join),
)


def prompt(budget: int = 1000, **more: object) -> Request:
    return prompts.prompt(Material(**{"question": "Why?", **more}), history_tokens=budget, most_tokens=10)  # type: ignore[arg-type]


def last(**more: object) -> str:
    return prompt(**more).messages[-1].text


def tags(text: str) -> list[str]:
    return re.findall(r"</?(?:passages|passage|selected_text|visitor)\b", text, re.IGNORECASE)


def test_passages_come_numbered_with_their_ids() -> None:
    assert (
        '<passage number="1" id="0b5c" title="Limits › Windows" url="https://example.com/limits#windows">\n'
        "A limit is a count in a window.\n</passage>"
    ) in last(passages=[PASSAGE])


def test_where_the_documents_say_nothing_the_model_is_told_so() -> None:
    assert "The site's documents say nothing about this." in last()


def test_the_persons_language_is_named() -> None:
    assert '<visitor language="German">\nWarum?\n</visitor>' in last(question="Warum?", language="de")


def test_the_sites_instructions_stand_with_ours_and_before_nothing_else() -> None:
    assert prompt(site_instructions="Call us Larder.").instructions.endswith("adds:\n\nCall us Larder.")
    assert prompt().instructions == prompts.RULES


def test_instructions_are_the_same_for_every_question() -> None:
    one, other = prompt(question="a", language="de"), prompt(question="b", passages=[PASSAGE])
    assert one.instructions == other.instructions


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_nothing_inside_can_close_what_marks_it_as_data(question: str, text: str, title: str, selected: str) -> None:
    passage = Passage("id", title, title, text)
    shown = last(question=question or "?", passages=[passage], selected_text=selected)
    expected = ["<passages", "<passage", "</passage", "</passages"]
    expected += ["<selected_text", "</selected_text"] if selected.strip() else []
    assert tags(shown) == [*expected, "<visitor", "</visitor"]
    assert shown.count('number="1"') >= 1
    assert re.search(r'<passage number="1" id="id" title="[^"]*" url="[^"]*">\n', shown)


@given(HOSTILE)
def test_what_visitors_said_before_is_data_too(said: str) -> None:
    request = prompt(history=[("user", said or "x"), ("assistant", said or "x")])
    everything = "".join(message.text for message in request.messages)
    assert len(re.findall(r"</visitor>", everything, re.IGNORECASE)) == (2 if (said or "x").strip() else 1)


def test_tags_that_are_written_apart_do_not_slip_through() -> None:
    assert "< / visitor>" not in last(question="< / visitor>")
    assert "</\u200bvisitor>" not in last(question="</\u200bvisitor>")
    assert "&lt;/VISITOR>" in last(question="</VISITOR>")


def test_code_in_documents_stays_as_it_is() -> None:
    code = "```html\n<script src='x'></script>\n<p>1 < 2 && 3 > 2</p>\n```"
    assert code in last(passages=[Passage("id", "t", "u", code)])


EXCHANGE = [("user", "one " * 30), ("assistant", "two " * 30), ("user", "three " * 30), ("assistant", "four " * 30)]


def test_the_oldest_messages_are_dropped_whole() -> None:
    messages = prompt(budget=150, history=EXCHANGE).messages
    assert [message.role for message in messages] == ["user", "assistant", "user"]
    assert "three " * 29 in messages[0].text
    assert "one" not in messages[0].text


def test_an_answer_without_its_question_is_not_told_again() -> None:
    assert len(prompt(budget=60, history=EXCHANGE).messages) == 1


def test_no_budget_is_no_history() -> None:
    assert len(prompt(budget=0, history=EXCHANGE).messages) == 1


def test_a_question_that_got_no_answer_stands_before_the_next() -> None:
    messages = prompt(history=[("user", "one"), ("user", "two"), ("assistant", "")]).messages
    assert [message.role for message in messages] == ["user"]
    assert [part in messages[0].text for part in ("one", "two", "Why?")] == [True, True, True]


def test_numbers_of_earlier_answers_are_not_told_again() -> None:
    messages = prompt(history=[("user", "q"), ("assistant", "It is so [1]. Use `list[1]`.")]).messages
    assert messages[1].text == "It is so. Use `list[1]`."


HISTORIES = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=300)), max_size=12)


@given(HISTORIES, st.integers(0, 600))
def test_history_keeps_to_its_budget_takes_turns_and_begins_with_a_visitor(
    history: list[tuple[str, str]], budget: int
) -> None:
    *earlier, _ = prompt(budget, history=history).messages
    roles = [message.role for message in prompt(budget, history=history).messages]
    assert roles[0] == "user"
    assert roles[-1] == "user"
    assert all(one != other for one, other in pairwise(roles))
    assert sum(len(message.text.encode()) for message in earlier) <= 3 * budget + 2 * len(history)


@given(st.text(max_size=500))
def test_the_estimate_is_on_the_safe_side(text: str) -> None:
    assert prompts.tokens(text) >= len(text) / 3
