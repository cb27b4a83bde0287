from django.urls import path

from apps.analytics import views
from apps.analytics.answers import EVENT_OPERATION, EVENTS_OPERATION
from chatkit import schema

urlpatterns = [
    path("analytics/event", views.post_event),
    path("analytics/events", views.post_events),
]

schema.OPERATIONS["/api/v1/analytics/event"] = EVENT_OPERATION
schema.OPERATIONS["/api/v1/analytics/events"] = EVENTS_OPERATION
