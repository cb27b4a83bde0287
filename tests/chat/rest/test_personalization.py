"""A reading list from somebody's own questions."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.visitors import Entered
from apps.chat.models import Conversation, Message
from apps.knowledge.models import Document, Passage
from tests.accounts.conftest import Api
from tests.chat.rest.conftest import conversation, exchange

pytestmark = [pytest.mark.database, pytest.mark.django_db, pytest.mark.usefixtures("no_limits")]

ROSES = """
Roses want sun and patience.
## Planting roses
Dig a deep hole and set the rose with its graft below the soil.
## Pruning roses
Prune roses in early spring, above a bud that looks outward.
## Feeding roses
Feed roses with compost after the first flowers.
"""
TOMATOES = """
Tomatoes grow fast in warm soil.
## Sowing tomatoes
Sow tomatoes indoors in March.
## Watering tomatoes
Water tomatoes at the root, never on the leaves.
"""
SHRUBS = """
Roses, lilac and hydrangea are shrubs.
## Choosing shrubs
Choose shrubs by the soil: roses like clay.
"""
SENSORS = """
A sensor reports moisture.
## Reading a sensor
```python
client.read(sensor_id=7)
```
## Calibrating a sensor
```python
client.calibrate(sensor_id=7, dry=0.1)
```
"""


@pytest.fixture
def garden(publish: Callable[..., Document]) -> dict[str, Document]:
    pages = {"Roses": ROSES, "Tomatoes": TOMATOES, "Shrubs": SHRUBS, "Sensors": SENSORS}
    return {title: publish(title, body) for title, body in pages.items()}


def passage(heading: str) -> Passage:
    return Passage.objects.get(heading=heading)


def asked(owner: Any, question: str, *shown: str) -> None:
    """A question whose answer named these passages."""
    chat = Conversation.objects.first() or conversation(owner)
    exchange(chat, question, sources=[{"id": str(passage(heading).key), "title": heading} for heading in shown])


def personalized(api: Api, preferences: object = None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    answer = api.post("/user/personalize", {} if preferences is None else {"preferences": preferences})
    assert answer.status == 200, answer.body
    return answer.body["recommendations"], answer.body["personalized_content"]


def test_what_was_asked_about_and_not_shown_comes_first(as_alice: Api, alice: User, garden: object) -> None:
    asked(alice, "How do I prune roses?")
    rows, _ = personalized(as_alice)
    assert rows[0]["title"] == "Roses › Pruning roses"
    assert rows[0]["url"] == "https://example.com/roses#pruning-roses"
    assert rows[0]["reason"] == "You asked about this: “How do I prune roses?”."


def test_what_was_shown_is_not_recommended_but_what_stands_beside_it(
    as_alice: Api, alice: User, garden: object
) -> None:
    asked(alice, "How do I prune roses?", "Pruning roses")
    rows, content = personalized(as_alice)
    titles = [row["title"] for row in rows]
    assert "Roses › Pruning roses" not in titles + [step["title"] for step in content["learning_path"]]
    assert titles[0].startswith("Roses")


def test_a_page_is_recommended_once_and_at_most_five_are(
    as_alice: Api, alice: User, garden: object, publish: Callable[..., Document]
) -> None:
    for number in range(6):
        publish(f"Roses {number}", ROSES)
    asked(alice, "When are roses pruned and fed?")
    rows, _ = personalized(as_alice)
    pages = [row["url"].partition("#")[0] for row in rows]
    assert (len(pages), len(set(pages))) == (5, 5)


def test_scores_lie_between_0_and_1_and_fall(as_alice: Api, alice: User, garden: object) -> None:
    for question in ("How do I prune roses?", "When do I sow tomatoes?", "How is a sensor calibrated?"):
        asked(alice, question)
    scores = [row["score"] for row in personalized(as_alice)[0]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_the_newest_question_says_most(as_alice: Api, alice: User, garden: object) -> None:
    asked(alice, "When do I sow tomatoes?")
    asked(alice, "How do I prune roses?")
    assert personalized(as_alice)[1]["recommended_topics"][0] == "Roses"


def test_pages_about_the_same_come_before_strangers(as_alice: Api, alice: User, garden: object) -> None:
    asked(alice, "How do I prune above a bud that looks outward?")
    rows, content = personalized(as_alice)
    assert content["recommended_topics"] == ["Roses", "Shrubs"]
    assert rows[1]["reason"] == "Close to “Roses”, which answers what you asked."


def test_the_path_goes_through_a_page_in_its_order(as_alice: Api, alice: User, garden: object) -> None:
    asked(alice, "How do I prune roses?", "Pruning roses")
    content = personalized(as_alice)[1]
    titles = [step["title"] for step in content["learning_path"] if step["title"].startswith("Roses")]
    assert titles == ["Roses", "Roses › Planting roses", "Roses › Feeding roses"]
    assert content["next_chapter"] == content["learning_path"][0]


def test_the_progress_is_the_share_of_pages_that_were_met(as_alice: Api, alice: User, garden: object) -> None:
    assert personalized(as_alice)[1]["estimated_progress"] == 0.0
    asked(alice, "How do I prune roses?", "Pruning roses", "Planting roses")
    assert personalized(as_alice)[1]["estimated_progress"] == 0.25


def test_who_has_met_everything_is_done(as_alice: Api, alice: User, garden: object) -> None:
    asked(alice, "All of it?", *Passage.objects.values_list("heading", flat=True))
    rows, content = personalized(as_alice)
    assert (rows, content["learning_path"], content["next_chapter"]) == ([], [], None)
    assert content["estimated_progress"] == 1.0


def test_questions_about_code_make_an_advanced_reader(as_alice: Api, alice: User, garden: object) -> None:
    levels = []
    for question in ("How do I prune roses?", "How is a sensor calibrated?", "What does `client.read()` return?"):
        asked(alice, question)
        levels.append(personalized(as_alice)[1]["difficulty_level"])
    assert levels == ["beginner", "intermediate", "advanced"]


def test_a_level_that_was_chosen_holds(as_alice: Api, alice: User, garden: object) -> None:
    assert personalized(as_alice, {"difficulty_level": "advanced"})[1]["difficulty_level"] == "advanced"


def test_topics_that_were_named_count_as_interests(as_alice: Api, garden: object) -> None:
    rows, content = personalized(as_alice, {"topics": ["calibrating a sensor"], "colour": ["blue", {}]})
    assert rows[0]["title"] == "Sensors › Calibrating a sensor"
    assert content["recommended_topics"][0] == "Sensors"


def test_without_a_history_the_site_is_read_from_its_beginning(as_visitor: Api, garden: object) -> None:
    rows, content = personalized(as_visitor)
    assert [row["title"] for row in rows] == ["Roses", "Sensors", "Shrubs", "Tomatoes"]
    assert {(row["score"], row["reason"]) for row in rows} == {(0.0, "You have not read this page yet.")}
    assert content["next_chapter"]["title"] == "Roses"
    assert content["difficulty_level"] == "beginner"


def test_an_empty_site_has_nothing_to_recommend(as_alice: Api, alice: User) -> None:
    exchange(conversation(alice), "How do I prune roses?")
    rows, content = personalized(as_alice)
    assert rows == []
    assert content == {
        "difficulty_level": "beginner",
        "learning_path": [],
        "next_chapter": None,
        "estimated_progress": 0.0,
        "recommended_topics": [],
    }


def test_only_ones_own_questions_count(as_alice: Api, bob: User, garden: object) -> None:
    asked(bob, "How is a sensor calibrated?", "Calibrating a sensor")
    rows, content = personalized(as_alice)
    assert {row["score"] for row in rows} == {0.0}
    assert content["estimated_progress"] == 0.0


def test_a_visitors_questions_count(as_visitor: Api, entered: Entered, garden: object) -> None:
    asked(entered.visitor, "How do I prune roses?")
    assert personalized(as_visitor)[0][0]["title"] == "Roses › Pruning roses"


def test_withdrawn_pages_are_not_recommended(as_alice: Api, alice: User, garden: dict[str, Document]) -> None:
    asked(alice, "How do I prune roses?")
    Document.objects.filter(pk=garden["Roses"].pk).update(is_published=False)
    rows, content = personalized(as_alice)
    assert not [row for row in rows if row["title"].startswith("Roses")]
    assert "Roses" not in content["recommended_topics"]


def test_the_same_history_gives_the_same_list(as_alice: Api, alice: User, garden: object) -> None:
    for question in ("How do I prune roses?", "When do I sow tomatoes?", "How do I prune roses?"):
        asked(alice, question)
    assert personalized(as_alice) == personalized(as_alice)


def test_a_long_history_asks_the_database_no_more(as_alice: Api, alice: User, garden: object) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            personalized(as_alice)
        return len(queries)

    for number in range(12):
        asked(alice, f"How do I prune roses number {number}?", "Pruning roses")
    count()  # the first search reads the corpus
    few = count()
    for number in range(12, 60):
        asked(alice, f"How do I prune roses number {number}?", "Pruning roses")
    assert count() == few < 100


def test_strange_sources_and_questions_do_no_harm(as_alice: Api, alice: User, garden: object) -> None:
    chat = conversation(alice)
    exchange(chat, '\u202e " OR * NEAR(', sources=[{"id": "x"}, {}, {"id": None}])
    Message.objects.create(conversation=chat, role="user", content=" ")
    personalized(as_alice)


@pytest.mark.parametrize(
    ("preferences", "field"),
    [
        ([], "preferences"),
        ("x", "preferences"),
        (7, "preferences"),
        ({"difficulty_level": "expert"}, "preferences.difficulty_level"),
        ({"difficulty_level": ["advanced"]}, "preferences.difficulty_level"),
        ({"topics": "roses"}, "preferences.topics"),
        ({"topics": ["roses"] * 11}, "preferences.topics"),
        ({"topics": [7]}, "preferences.topics"),
        ({"topics": ["a\0b"]}, "preferences.topics"),
        ({"topics": ["x" * 201]}, "preferences.topics"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_wrong_is_named(as_alice: Api, preferences: object, field: str) -> None:
    answer = as_alice.post("/user/personalize", {"preferences": preferences})
    assert answer.status == 422
    assert [name.removesuffix(".0").removesuffix("[0]") for name in answer.body["detail"]["fields"]] == [field]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"preferences": null}', b'{"preferences": {}}'])
def test_preferences_may_be_missing(as_alice: Api, body: bytes) -> None:
    assert as_alice.call("POST", "/user/personalize", body).status == 200
