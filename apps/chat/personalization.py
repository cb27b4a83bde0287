"""A reading list out of somebody's own questions: what to read next, in which order, and how far they have come.

The level: a question is technical when it shows code or when the passage that answers it best does. Of at least three
questions, two thirds technical ones make somebody advanced and one third intermediate; whoever names a level has it.
The progress: the share of the site's pages of which at least one passage was a source of an answer.
"""

import re
from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.authentication import principal_of
from apps.accounts.credentials import Principal
from apps.accounts.serializers import Text, checked
from apps.chat import signals
from apps.chat.conversations import OwnView
from apps.chat.fields import Choice, ObjectSerializer, ShortList
from apps.chat.interests import History, Interest, history_of, interests_of
from apps.chat.recommendations import MOST, Place, Worth, first_pages, path_of, places_of, rank, worth_of
from apps.knowledge.models import Document, Passage
from apps.throttling import limits

TAG = ["personalization"]
LEVELS = BEGINNER, INTERMEDIATE, ADVANCED = "beginner", "intermediate", "advanced"
FEW_QUESTIONS = 3
CODE = re.compile(r"`|\w\(|[{};]\s*$|[{}]|(?:^|\s)--?\w|\w_\w|</?\w|=>|::|\$\w|\w/\w+/\w")


class Preferences(ObjectSerializer):
    """What else is in here is for the client; nothing of it is kept."""

    difficulty_level = Choice(LEVELS, required=False, allow_null=True)
    topics = ShortList(child=Text(max_length=200), required=False, allow_null=True, max_length=10)


class PersonalizeRequest(serializers.Serializer[Any]):
    preferences = Preferences(required=False, allow_null=True)


class RecommendationAnswer(serializers.Serializer[Any]):
    title = serializers.CharField()
    url = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    score = serializers.FloatField(min_value=0, max_value=1)


class StepAnswer(serializers.Serializer[Any]):
    title = serializers.CharField()
    url = serializers.CharField(allow_blank=True)


class ContentAnswer(serializers.Serializer[Any]):
    difficulty_level = serializers.ChoiceField(LEVELS)
    learning_path = StepAnswer(many=True)
    next_chapter = StepAnswer(allow_null=True)
    estimated_progress = serializers.FloatField(min_value=0, max_value=1)
    recommended_topics = serializers.ListField(child=serializers.CharField(), max_length=MOST)


class PersonalizeAnswer(serializers.Serializer[Any]):
    recommendations = RecommendationAnswer(many=True)
    personalized_content = ContentAnswer()


def personalize(principal: Principal, preferences: dict[str, Any]) -> dict[str, Any]:
    history = history_of(principal)
    interests = interests_of(history, dict.fromkeys(preferences.get("topics") or ()))
    worth = worth_of(interests)
    places = places_of({*worth.pages, *worth.similar, *first_pages()})
    level = preferences.get("difficulty_level") or level_of(interests, places)
    recommended = rank(places, worth, history.met, likes_code=level == ADVANCED)
    path = [{"title": place.title, "url": place.url} for place in path_of(places, worth, history.met)]
    content = {
        "difficulty_level": level,
        "learning_path": path,
        "next_chapter": path[0] if path else None,
        "estimated_progress": progress_of(history),
        "recommended_topics": topics_of(places, worth),
    }
    return {"recommendations": [asdict(row) for row in recommended], "personalized_content": content}


def level_of(interests: list[Interest], places: list[Place]) -> str:
    shows_code: dict[UUID, bool] = {place.key: place.has_code for place in places}
    questions = [interest for interest in interests if interest.is_question]
    technical = sum(is_technical(question, shows_code) for question in questions)
    share = technical / max(FEW_QUESTIONS, len(questions))
    if share >= 2 / 3:
        return ADVANCED
    return INTERMEDIATE if share >= 1 / 3 else BEGINNER


def is_technical(question: Interest, shows_code: dict[UUID, bool]) -> bool:
    best = question.passages[0][0] if question.passages else None
    return bool(CODE.search(question.asked)) or (best is not None and shows_code.get(best, False))


def progress_of(history: History) -> float:
    pages = Document.objects.filter(is_published=True, passages__isnull=False).distinct().count()
    met = Passage.objects.published().filter(key__in=history.met).values("document_id").distinct().count()
    return round(met / pages, 3) if pages else 0.0


def topics_of(places: list[Place], worth: Worth) -> list[str]:
    """The pages that matter most, by name; without a history, those that the site begins with."""
    titles = {place.page: place.page_title for place in places}
    ranked = sorted(titles, key=lambda page: -worth.of_page(page))
    return list(dict.fromkeys(titles[page] for page in ranked if worth.of_page(page) or not worth.total))[:MOST]


class PersonalizeView(OwnView):
    @extend_schema(tags=TAG, request=PersonalizeRequest, responses=PersonalizeAnswer)
    def post(self, request: Request) -> Response:
        """What to read next, from the caller's own questions and the site's documents."""
        principal = principal_of(request)
        preferences = checked(PersonalizeRequest, request.data).get("preferences") or {}
        limits.announce(request._request, limits.require(principal.subject, "personalize"))
        answer = personalize(principal, preferences)
        signals.personalized.send_robust(sender=None, principal=principal, recommended=len(answer["recommendations"]))
        return Response(answer)
