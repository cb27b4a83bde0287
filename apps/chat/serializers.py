"""The shapes of turn requests and answers, for the API's documentation. `requests` reads them."""

from typing import Any

from rest_framework import serializers

from apps.chat.requests import MODES


class ContextShape(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(MODES, required=False)
    selected_text = serializers.CharField(required=False, allow_blank=True)
    page_url = serializers.CharField(required=False, allow_blank=True)
    session_id = serializers.UUIDField(required=False, allow_null=True)


class ChatRequestShape(serializers.Serializer[Any]):
    message = serializers.CharField()
    conversation_id = serializers.UUIDField(required=False, allow_null=True)
    client_message_id = serializers.UUIDField(required=False, allow_null=True)
    context = ContextShape(required=False, allow_null=True)  # type: ignore[assignment]  # a field of that name


class SourceShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField(allow_blank=True)
    excerpt = serializers.CharField(max_length=200, allow_blank=True)
    score = serializers.FloatField(min_value=0, max_value=1)


class MetadataShape(serializers.Serializer[Any]):
    model = serializers.CharField()
    tokens_used = serializers.IntegerField()
    retrieval_time_ms = serializers.FloatField()
    generation_time_ms = serializers.FloatField()
    total_time_ms = serializers.FloatField()
    fallback = serializers.BooleanField()


class ChatAnswerShape(serializers.Serializer[Any]):
    answer = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(["completed", "cancelled"])
    sources = SourceShape(many=True)
    metadata = MetadataShape()
    conversation_id = serializers.UUIDField()
    message_id = serializers.UUIDField()
    turn_id = serializers.UUIDField()
