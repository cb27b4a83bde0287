"""The accounts part of the API: each view reads the request, calls one function and shapes the answer."""

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import (
    answers,
    hashing,
    jwt,
    login,
    registration,
    rights,
    serializers,
    sessions,
    visitors,
    waiting,
)
from apps.accounts.authentication import IsFreshPerson, IsPerson, principal_of
from apps.accounts.credentials import Principal, bearer, permissions_of, roles_of
from apps.accounts.models import Session, Tier, User, VerificationToken, Visitor
from apps.accounts.origin import origin_of
from apps.accounts.serializers import checked
from apps.throttling.addresses import per_address, require_address
from apps.throttling.limits import announce
from chatkit.errors import ChatKitError, NotFound
from chatkit.views import AsyncAPIView

TAG = ["accounts"]
CHECK_YOUR_MAIL = "Check your mail to confirm your address."


class AccountsView(APIView):
    """Answers hold tokens and personal data, so nobody on the way may keep them."""

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "no-store"}


class PublicView(AccountsView):
    """For callers who have no credential yet."""

    authentication_classes = ()
    permission_classes = ()


def presented_by(request: Request) -> str | None:
    """The credential of a caller who needs none: what cannot be read counts as none."""
    try:
        return bearer(request.headers.get("Authorization"))
    except ChatKitError:
        return None


def person(principal: Principal) -> User:
    return User.objects.get(id=principal.person_id)


class VisitorView(PublicView):
    @extend_schema(tags=TAG, request=serializers.VisitorRequest, responses=answers.VisitorAnswer)
    @per_address("visitor")
    def post(self, request: Request) -> Response:
        """Makes a visitor, or gives the presenter of an older visitor token a new one."""
        asked = checked(serializers.VisitorRequest, request.data)
        entered = visitors.enter(
            anon_id=asked.get("anon_id") or None,
            presented=presented_by(request),
            user_agent=origin_of(request._request).user_agent,
        )
        issued = entered.issued
        answer = {"visitor_token": issued.raw, "anon_id": entered.visitor.id, "expires_at": issued.expires_at}
        return Response(answer)


class SignupView(PublicView):
    @extend_schema(tags=TAG, request=serializers.SignupRequest, responses=answers.SignupAnswer)
    @per_address("signup")
    def post(self, request: Request) -> Response:
        """Mails a link and a code that sign in; the answer is the same whether there is an account or not."""
        asked = checked(serializers.SignupRequest, request.data)
        visitor = visitors.returning(asked.get("anon_id") or None, presented_by(request))
        number = registration.sign_up(
            asked["email"],
            visitor=visitor if asked.get("migrate_session") else None,
            waiting_visitor=visitor if asked.get("wait") else None,
        )
        return Response({"status": "verification_sent", **({"number": number} if number else {})})


class VerifyView(PublicView):
    @extend_schema(tags=TAG, request=serializers.TokenRequest, responses=answers.VerifyAnswer)
    @per_address("verify")
    def post(self, request: Request) -> Response:
        """Signs the bearer of a mailed code in."""
        asked = checked(serializers.TokenRequest, request.data)
        verified, issued = registration.verify(asked["token"], origin=origin_of(request._request))
        return Response(signed_in(verified.user, issued))


class CollectView(PublicView):
    @extend_schema(tags=TAG, request=None, responses=answers.CollectAnswer, auth=[{"credential": []}])  # type: ignore[list-item]
    def post(self, request: Request) -> Response:
        """Signs a chat in whose number was typed where the mailed link leads. The credential is the visitor's."""
        visitor = waiting.visitor_of(bearer(request.headers.get("Authorization")))
        collected = waiting.collect(visitor, origin_of(request._request))
        if collected is None:
            return Response({"success": False, "pending": waiting.is_pending(visitor)})
        return Response(signed_in(*collected))


def signed_in(user: User, issued: sessions.Issued) -> dict[str, Any]:
    profile = {"email": user.email, "tier": user.tier}
    return {
        "success": True,
        "session_token": issued.raw,
        "expires_at": issued.expires_at,
        "user_profile": profile,
        "user": {"user_id": user.id, **profile, "created_at": user.created_at},
    }


class ResendView(PublicView):
    @extend_schema(tags=TAG, request=serializers.EmailRequest, responses=answers.StatusAnswer)
    @per_address("signup")
    def post(self, request: Request) -> Response:
        """Mails the confirmation once more, where one is waited for. The answer is always the same."""
        registration.resend(checked(serializers.EmailRequest, request.data)["email"])
        return Response({"status": "verification_sent"})


class VerificationStatusView(AccountsView):
    @extend_schema(tags=TAG, responses=answers.VerificationStatusAnswer)
    def get(self, request: Request) -> Response:
        """Whether the caller's e-mail address is confirmed; for a visitor, whether the one they signed up with is."""
        principal = principal_of(request)
        used = VerificationToken.objects.filter(visitor=principal.visitor_id, used_at__isnull=False)
        is_verified = principal.is_verified if principal.is_person else used.exists()
        return Response({"verified": is_verified})


class RefreshTokenView(AccountsView):
    @extend_schema(tags=TAG, request=None, responses=answers.TokenAnswer)
    def post(self, request: Request) -> Response:
        """A new session token; the old one is good for another 30 seconds."""
        raw = bearer(request.headers.get("Authorization"))
        issued = sessions.refresh_token(principal_of(request), raw)
        return Response({"token": issued.raw, "expires_at": issued.expires_at})


class MigrateSessionView(AccountsView):
    permission_classes = (IsPerson,)

    @extend_schema(tags=TAG, request=serializers.MigrateRequest, responses=answers.MigrateAnswer)
    def post(self, request: Request) -> Response:
        """Brings a visitor's conversations along, once."""
        asked = checked(serializers.MigrateRequest, request.data)
        moved = visitors.migrate(
            person(principal_of(request)), anon_id=asked["anon_id"], visitor_token=asked.get("visitor_token")
        )
        return Response({"migrated_messages": moved})


class LogoutView(AccountsView):
    @extend_schema(tags=TAG, request=serializers.LogoutRequest, responses={204: None})
    def post(self, request: Request) -> Response:
        """Ends this credential, or all of the person's."""
        asked = checked(serializers.LogoutRequest, request.data)
        sessions.log_out(principal_of(request), everywhere=asked["everywhere"])
        return Response(status=204)


class RegisterView(AsyncAPIView, PublicView):
    @extend_schema(tags=TAG, request=serializers.RegisterRequest, responses=answers.RegisterAnswer)
    async def post(self, request: Request) -> Response:
        """Makes an account with a password; the answer is the same whether there was one or not."""
        asked = await sync_to_async(self.read)(request)
        encoded = await hashing.hash_password(asked["password"])
        user_id = await sync_to_async(registration.register)(
            asked["email"], encoded_password=encoded, name=asked["name"], origin=origin_of(request._request)
        )
        return Response({"success": True, "user_id": user_id, "message": CHECK_YOUR_MAIL})

    def read(self, request: Request) -> Any:
        require_address(request._request, "register")
        return checked(serializers.RegisterRequest, request.data)


class LoginView(AsyncAPIView, PublicView):
    @extend_schema(tags=TAG, request=serializers.LoginRequest, responses=answers.LoginAnswer)
    async def post(self, request: Request) -> Response:
        """An access token and a refresh token for an e-mail address and its password."""
        asked, attempt = await sync_to_async(self.read)(request)
        is_right = await hashing.verify_async(asked["password"], attempt.encoded)
        return await sync_to_async(self.finish)(request, attempt, is_right)

    def read(self, request: Request) -> tuple[Any, login.Attempt]:
        asked = checked(serializers.LoginRequest, request.data)
        attempt = login.begin(asked["email"], origin_of(request._request))
        return asked, attempt

    def finish(self, request: Request, attempt: login.Attempt, is_right: bool) -> Response:
        allowance = attempt.allowance
        try:
            user, pair, allowance = login.log_in(attempt, is_right=is_right)
        finally:
            announce(request._request, allowance)
        more = {"user_id": user.id, "tenant_id": user.tenant_id}
        return Response({**body_of(pair), **more, "roles": roles_of(user), "permissions": permissions_of(user)})


class RefreshView(PublicView):
    @extend_schema(tags=TAG, request=serializers.RefreshRequest, responses=answers.PairAnswer)
    def post(self, request: Request) -> Response:
        """The next pair of tokens. A refresh token works once; used again, it ends all that came from the log-in."""
        asked = checked(serializers.RefreshRequest, request.data)
        return Response(body_of(sessions.refresh_pair(asked["refresh_token"])))


def body_of(pair: jwt.Pair) -> dict[str, Any]:
    return {
        "success": True,
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
    }


class MeView(AccountsView):
    @extend_schema(tags=TAG, responses=answers.PrincipalAnswer)
    def get(self, request: Request) -> Response:
        """Who is calling."""
        return Response(principal_of(request).as_json())


class ProtectedView(MeView):
    """The same under the name that integrations try first."""


class SessionView(AccountsView):
    @extend_schema(tags=TAG, responses=answers.SessionAnswer)
    def get(self, request: Request, session_id: str) -> Response:
        """One of the caller's own sessions; everybody else's does not exist."""
        own = own_session(principal_of(request), visitors.uuid_of(session_id))
        answer = {
            "session_id": own.id,
            "tier": own.user.tier if isinstance(own, Session) else Tier.ANONYMOUS,
            "created_at": own.created_at,
            "last_activity": own.last_activity,
            "expires_at": own.expires_at,
            "user_agent": own.user_agent,
        }
        return Response(answer)


def own_session(principal: Principal, asked: UUID | None) -> Session | Visitor:
    own: Session | Visitor | None = None
    if asked is not None and principal.is_person:
        own = Session.objects.live().select_related("user").filter(id=asked, user=principal.person_id).first()
    elif asked is not None and asked == principal.visitor_id:
        own = Visitor.objects.filter(id=asked).first()
    if own is None:
        raise NotFound("There is no such session.")
    return own


class ExportView(AccountsView):
    permission_classes = (IsFreshPerson,)

    @extend_schema(tags=TAG, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """All that is kept of the caller. Asks for a sign-in within the hour."""
        return Response(rights.export(person(principal_of(request))))


class AccountView(AccountsView):
    permission_classes = (IsFreshPerson,)

    @extend_schema(tags=TAG, request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Deletes the account and all that is kept of it, sessions too. Asks for a sign-in within the hour."""
        rights.erase(person(principal_of(request)))
        return Response(status=204)
