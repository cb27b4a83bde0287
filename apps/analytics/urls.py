from django.urls import path

from apps.analytics import exports, views
from apps.analytics.answers import EVENT_OPERATION, EVENTS_OPERATION
from chatkit import schema

urlpatterns = [
    path("analytics/event", views.post_event),
    path("analytics/events", views.post_events),
    path("analytics/summary", exports.SummaryView.as_view()),
    path("analytics/export", exports.export),
]

schema.OPERATIONS["/api/v1/analytics/event"] = EVENT_OPERATION
schema.OPERATIONS["/api/v1/analytics/events"] = EVENTS_OPERATION
schema.OPERATIONS["/api/v1/analytics/export"] = exports.OPERATION
