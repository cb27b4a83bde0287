"""Citations are checked as they stream, however the provider cuts its pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.gateway.markers import Markers

PIECES = st.lists(
    st.sampled_from(
        ["[", "]", "1", "2", "9", ",", " ", "  ", "[1]", "[9]", " [7]", "`", "```", "\n", "\n\n", "word", "(", ")", "é"]
    ),
    max_size=40,
)


def checked(*pieces: str, known: int = 2) -> str:
    markers = Markers(known)
    return "".join(map(markers.feed, pieces)) + markers.rest()


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("One [1] and two [2].", "One [1] and two [2]."),
        ("Nothing [3].", "Nothing."),
        ("Nothing [0], nothing [00].", "Nothing, nothing."),
        ("Both [1][2][3]", "Both [1][2]"),
        ("A list [1, 9, 2] of them", "A list [1, 2] of them"),
        ("None [8, 9].", "None."),
        ("Code `list[7]` stays", "Code `list[7]` stays"),
        ("```\nlist[7]\n\nlist[8]\n```\nand [7]", "```\nlist[7]\n\nlist[8]\n```\nand"),
        ("A single ` in a sentence.\n\nNothing [7]", "A single ` in a sentence.\n\nNothing"),
        ("A [7](https://example.com) link", "A [7](https://example.com) link"),
        ("[ ] a task, [x] done, [a note]", "[ ] a task, [x] done, [a note]"),
        ("At the end [", "At the end ["),
        ("A year [2026]", "A year"),
        ("Too long for one [11111111111111111111111111]", "Too long for one [11111111111111111111111111]"),
    ],
)
def test_a_number_without_a_passage_is_dropped(text: str, passed: str) -> None:
    assert checked(text) == passed
    assert checked(*text) == passed


def test_text_is_passed_on_as_soon_as_it_is_certain() -> None:
    markers = Markers(known=1)
    assert markers.feed("Set a limit [") == "Set a limit"
    assert markers.feed("1") == ""
    assert markers.feed("]. Then") == " [1]. Then"


@given(PIECES)
def test_the_cut_between_pieces_changes_nothing(pieces: list[str]) -> None:
    assert checked(*pieces) == checked("".join(pieces))


@given(st.text(max_size=200))
def test_text_without_brackets_is_left_as_it_is(text: str) -> None:
    plain = text.replace("[", "")
    assert checked(*plain) == plain


@given(PIECES)
def test_what_is_valid_is_never_lost(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert checked(text, known=99_999_999).count("[1]") == text.count("[1]")
