"""A URLconf of views that go wrong in every way a view can."""

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatkit import errors

SECRET_DETAIL = "SELECT * FROM secrets at /srv/chatkit/models.py"

FAILURES: dict[str, Exception] = {
    "own": errors.Conflict("This title is taken.", detail={"title": "taken"}),
    "missing": Http404(SECRET_DETAIL),
    "denied": PermissionDenied(SECRET_DETAIL),
    "suspicious": SuspiciousOperation(SECRET_DETAIL),
    "database": OperationalError(SECRET_DETAIL),
    "defect": RuntimeError(SECRET_DETAIL),
}


def fail(request: HttpRequest, how: str) -> HttpResponse:
    raise FAILURES[how]


async def fail_async(request: HttpRequest, how: str) -> HttpResponse:
    raise FAILURES[how]


class Inner(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(["browse", "chat"])


class Letter(serializers.Serializer[Any]):
    email = serializers.EmailField()
    context = Inner(required=False)
    tags = serializers.ListField(child=serializers.IntegerField(), required=False)


class Post(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request, how: str = "") -> Response:
        if how:
            raise FAILURES[how]
        letter = Letter(data=request.data)
        letter.is_valid(raise_exception=True)
        return Response(letter.validated_data)


urlpatterns = [
    path("api/plain/<how>", fail),
    path("api/async/<how>", fail_async),
    path("api/rest/<how>", Post.as_view()),
    path("api/letter", Post.as_view()),
    path("page/<how>", fail),
]

handler400 = "chatkit.api.bad_request"
handler403 = "chatkit.api.permission_denied"
handler404 = "chatkit.api.page_not_found"
handler500 = "chatkit.api.server_error"
