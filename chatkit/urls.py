"""Where everything is. Each API route answers under `/api/v1/` and, as the current version, under `/api/`."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from apps.accounts import hot
from apps.accounts import pages as accounts_pages
from apps.knowledge import pages as knowledge_pages
from chatkit import connection, harness, health, metrics, pages

api: list[URLPattern | URLResolver] = [
    # First, because pages report more often than anything else is asked.
    path("", include("apps.analytics.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.chat.urls")),
    path("", include("apps.chat.conversation_urls")),
    path("connection-check", connection.show),
]

urlpatterns = [
    path("", pages.demo, name="demo"),
    path("harness/", harness.show, name="harness"),
    path("harness/session", harness.open_session),
    path("harness/events", harness.events),
    path("favicon.ico", pages.favicon),
    path("guide/", knowledge_pages.guide, name="guide"),
    path("guide/<slug:name>", knowledge_pages.guide, name="guide-page"),
    path("verify", accounts_pages.verify, name="verify"),
    path(".well-known/jwks.json", hot.jwks),
    path("admin/analytics/", include("apps.analytics.admin_urls")),
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include(api)),
    path("api/", include(api)),
    path("health", health.show, name="health"),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.show),
]

handler400 = "chatkit.api.bad_request"
handler403 = "chatkit.api.permission_denied"
handler404 = "chatkit.api.page_not_found"
handler500 = "chatkit.api.server_error"
