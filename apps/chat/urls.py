from django.urls import path

from apps.chat import views

urlpatterns = [
    path("chat", views.ChatView.as_view()),
    path("chat/stream", views.StreamView.as_view()),
    path("chat/turns/<uuid:turn_id>/events", views.TurnEventsView.as_view()),
    path("chat/turns/<uuid:turn_id>/cancel", views.CancelView.as_view()),
    path("messages/<uuid:message_id>/retry", views.RetryView.as_view()),
]
