"""What accounts accept, strictly: a number is no text, and 1 is no yes. Refusals carry the contract's codes."""

import re
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from rest_framework import serializers

from apps.accounts.emails import LONGEST as LONGEST_EMAIL
from apps.accounts.emails import fold_email, is_email
from apps.accounts.models import User
from apps.accounts.passwords import LONGEST as LONGEST_PASSWORD
from chatkit.api import field_errors
from chatkit.errors import InvalidRequest

LONGEST_TOKEN = 4096
# Markup, control characters, and the marks that make a text read in another order than it is written.
UNFIT_FOR_NAMES = re.compile(r"[<>\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class InvalidEmail(InvalidRequest):
    code = "invalid_email"
    sentence = "This is not a valid e-mail address."


class ConsentRequired(InvalidRequest):
    code = "consent_required"
    sentence = "We need your consent to store your data before we can sign you up."


class Text(serializers.CharField):
    """JSON strings only; DRF would take numbers for text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """JSON `true` or `false` only."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=str(data)[:40])
        return data


class Email(Text):
    default_error_messages = {"invalid_email": "Enter an e-mail address such as name@example.com."}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Also where it is empty: DRF asks no further then."""
        if isinstance(data, str) and not data.strip():
            self.fail("invalid_email")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        # Marks that cannot be seen make one address look like another, and a domain may hold some.
        if len(text) > LONGEST_EMAIL or not text.isprintable() or not is_email(folded := fold_email(text)):
            self.fail("invalid_email")
        return folded


class VisitorRequest(serializers.Serializer[Any]):
    anon_id = Text(required=False, allow_null=True, allow_blank=True, max_length=100)


class SignupRequest(serializers.Serializer[Any]):
    email = Email()
    consent_data_storage = Flag(required=False)
    migrate_session = Flag(required=False)
    wait = Flag(required=False)
    anon_id = Text(required=False, allow_null=True, allow_blank=True, max_length=100)

    def validate_consent_data_storage(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("Must be true.", code="consent_required")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "consent_data_storage" not in attrs:
            refusal = {"consent_data_storage": ["Must be true."]}
            raise serializers.ValidationError(refusal, code="consent_required")
        return attrs


class EmailRequest(serializers.Serializer[Any]):
    email = Email()


class TokenRequest(serializers.Serializer[Any]):
    token = Text(max_length=LONGEST_TOKEN)


class RefreshRequest(serializers.Serializer[Any]):
    refresh_token = Text(max_length=LONGEST_TOKEN)


class MigrateRequest(serializers.Serializer[Any]):
    anon_id = Text(max_length=100)
    visitor_token = Text(required=False, allow_null=True, allow_blank=True, max_length=LONGEST_TOKEN)


class LogoutRequest(serializers.Serializer[Any]):
    everywhere = Flag(required=False, default=False)


class LoginRequest(serializers.Serializer[Any]):
    email = Email()
    password = Text(max_length=LONGEST_PASSWORD, trim_whitespace=False)


class RegisterRequest(LoginRequest):
    name = Text(max_length=200)

    def validate_name(self, value: str) -> str:
        if UNFIT_FOR_NAMES.search(value):
            raise serializers.ValidationError("Use letters and punctuation, without < or >.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Also against the person's own name and address."""
        try:
            validate_password(attrs["password"], User(email=attrs["email"], name=attrs["name"]))
        except ValidationError as exc:
            raise serializers.ValidationError({"password": exc.messages}) from exc
        return attrs


def checked(serializer: type[serializers.Serializer[Any]], body: object) -> Mapping[str, Any]:
    """The values of a request body; refuses it with the code that says most."""
    asked = serializer(data=body)
    if asked.is_valid():
        values: Mapping[str, Any] = asked.validated_data
        return values
    codes = {detail.code for details in asked.errors.values() for detail in details if hasattr(detail, "code")}
    kinds = {"invalid_email": InvalidEmail, "consent_required": ConsentRequired}
    refusal = next((kinds[code] for code in kinds if code in codes), InvalidRequest)
    raise refusal.of(field_errors(asked.errors))
