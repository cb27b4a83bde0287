"""What accounts answer, for the OpenAPI document; the views fill these shapes."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import serializers

from apps.accounts.credentials import Kind
from apps.accounts.models import Tier


class VisitorAnswer(serializers.Serializer[Any]):
    visitor_token = serializers.CharField()
    anon_id = serializers.UUIDField()
    expires_at = serializers.DateTimeField()


class StatusAnswer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["verification_sent"])


class SignupAnswer(StatusAnswer):
    number = serializers.CharField(required=False)


class ProfileAnswer(serializers.Serializer[Any]):
    email = serializers.EmailField()
    tier = serializers.ChoiceField(Tier.choices)


class UserAnswer(ProfileAnswer):
    user_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()


class VerifyAnswer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    session_token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    user_profile = ProfileAnswer()
    user = UserAnswer()


class CollectAnswer(VerifyAnswer):
    """Without success nothing but whether there is something to wait for."""

    pending = serializers.BooleanField(required=False)
    session_token = serializers.CharField(required=False)
    expires_at = serializers.DateTimeField(required=False)
    user_profile = ProfileAnswer(required=False)
    user = UserAnswer(required=False)


class VerificationStatusAnswer(serializers.Serializer[Any]):
    verified = serializers.BooleanField()


class TokenAnswer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class MigrateAnswer(serializers.Serializer[Any]):
    migrated_messages = serializers.IntegerField(min_value=0)


class RegisterAnswer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    user_id = serializers.UUIDField()
    message = serializers.CharField()


class PairAnswer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.ChoiceField(["Bearer"])
    expires_in = serializers.IntegerField()


class LoginAnswer(PairAnswer):
    user_id = serializers.UUIDField()
    tenant_id = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())


class CredentialAnswer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField([kind.value for kind in Kind])
    expires_at = serializers.DateTimeField()
    session_id = serializers.UUIDField(required=False)


class PrincipalAnswer(serializers.Serializer[Any]):
    user_id = serializers.UUIDField(required=False)
    anon_id = serializers.UUIDField(required=False)
    email = serializers.EmailField(required=False)
    tier = serializers.ChoiceField(Tier.choices)
    roles = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
    credential = CredentialAnswer()


class SessionAnswer(serializers.Serializer[Any]):
    session_id = serializers.UUIDField()
    tier = serializers.ChoiceField(Tier.choices)
    created_at = serializers.DateTimeField()
    last_activity = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    user_agent = serializers.CharField(allow_blank=True)


class CredentialScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.accounts.authentication.CredentialAuthentication"
    name = "credential"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "Session token, visitor token or access token."}
