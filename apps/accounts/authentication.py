"""How API views learn who is calling: every call needs a credential unless its view says otherwise."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.accounts.credentials import NoToken, Principal, bearer, look_up, resolve, resolve_async
from chatkit.errors import PermissionDenied


class CredentialAuthentication(BaseAuthentication):
    """`Authorization`, when present, decides alone; DRF's `request.user` is the `Principal`."""

    def authenticate(self, request: Request) -> tuple[Principal, Principal] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        principal = resolve(bearer(header))
        return principal, principal

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasCredential(BasePermission):
    """The default for all views: anybody who proved who they are, visitors too."""

    def has_permission(self, request: Request, view: object) -> bool:
        if not isinstance(request.user, Principal):
            raise NoToken
        return True


class IsPerson(HasCredential):
    """Signed in; a visitor is not enough."""

    def has_permission(self, request: Request, view: object) -> bool:
        super().has_permission(request, view)
        if not principal_of(request).is_person:
            raise PermissionDenied("Sign in to do this.")
        return True


class IsStaff(IsPerson):
    """Who runs the site."""

    def has_permission(self, request: Request, view: object) -> bool:
        super().has_permission(request, view)
        if not principal_of(request).is_staff:
            raise PermissionDenied
        return True


class IsFreshPerson(IsPerson):
    """Signed in within the hour, and asked of the database itself: for what cannot be undone."""

    def has_permission(self, request: Request, view: object) -> bool:
        super().has_permission(request, view)
        if not look_up(bearer(request.headers.get("Authorization"))).is_fresh:
            raise PermissionDenied("Sign in again to do this: your sign-in is older than an hour.")
        return True


def principal_of(request: Request) -> Principal:
    """Who calls an API view."""
    if not isinstance(request.user, Principal):
        raise NoToken
    return request.user


async def principal_async(request: HttpRequest) -> Principal:
    """Who calls a plain async view."""
    return await resolve_async(bearer(request.headers.get("Authorization")))
