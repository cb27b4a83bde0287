"""Strict JSON fields: a number is no text, a text is no number, and a refusal never repeats what was sent."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers

from apps.accounts.serializers import Text

LONGEST_TITLE = 200
# Control characters, and the marks that make a text read in another order than it is written.
UNFIT_FOR_TITLES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
INVISIBLE = frozenset("ZC")


class Title(Text):
    """One line that can be seen."""

    default_error_messages = {
        "unfit": "Use one line of text without control characters.",
        "invisible": "Write something that can be seen.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_TITLE, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        title = super().to_internal_value(data)
        if UNFIT_FOR_TITLES.search(title):
            self.fail("unfit")
        if all(unicodedata.category(letter)[0] in INVISIBLE for letter in title):
            self.fail("invisible")
        return title


class Choice(serializers.ChoiceField):
    """One of a few values, of the very type that they have: `"1"` and `true` are not 1."""

    def __init__(self, choices: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        named = ", ".join(str(choice) for choice in self.choices)
        self.error_messages["invalid_choice"] = f"Choose one of: {named}."

    def to_internal_value(self, data: Any) -> Any:
        if not any(type(data) is type(choice) and data == choice for choice in self.choices):
            self.fail("invalid_choice")
        return data


class Identifier(serializers.UUIDField):
    """A UUID as text; DRF would take numbers as well."""

    default_error_messages = {"malformed": "Must be a valid UUID."}

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return UUID(data)
        except (ValueError, TypeError, AttributeError):
            self.fail("malformed")


class ShortList(serializers.ListField):
    """A list whose length is checked before its items are, so that a long wrong one makes one error."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class ObjectSerializer(serializers.Serializer[Any]):
    """An object inside another; anything else is an error of the field that holds it."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is not serializers.empty and data is not None and not isinstance(data, Mapping):
            raise serializers.ValidationError(["Must be an object."])
        return super().run_validation(data)
