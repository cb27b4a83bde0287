"""The same endpoints as Django and its REST framework serve them untuned: Django's handler, middleware and defaults."""

import os
from typing import Any


def application() -> Any:
    os.environ["DJANGO_SETTINGS_MODULE"] = "chatkit.settings"
    from django.conf import settings

    settings.ROOT_URLCONF = __name__
    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
    settings.MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
    ours = settings.REST_FRAMEWORK
    kept = ("DEFAULT_AUTHENTICATION_CLASSES", "DEFAULT_PERMISSION_CLASSES", "DEFAULT_PAGINATION_CLASS")
    settings.REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None, **{name: ours[name] for name in kept}}
    from django.core.asgi import get_asgi_application

    made = get_asgi_application()
    globals()["urlpatterns"] = urls()
    return made


def urls() -> list[Any]:
    from django.urls import include, path
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from apps.accounts import views
    from apps.accounts.authentication import principal_of
    from apps.chat import conversation_urls

    class SessionCheckView(APIView):
        """Who it is comes from the same resolver, with its memory."""

        def get(self, request: Request) -> Response:
            principal = principal_of(request)
            user = {"email": principal.email, "tier": principal.tier}
            return Response({"valid": True, "user": user, "expires_at": principal.expires_at})

    api = [
        path("auth/visitor", views.VisitorView.as_view()),
        path("auth/session-check", SessionCheckView.as_view()),
        path("auth/me", views.MeView.as_view()),
        path("", include(conversation_urls)),
    ]
    return [path("api/v1/", include(api))]
