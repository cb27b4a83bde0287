from django.urls import path

from apps.accounts import hot, views
from chatkit import schema

urlpatterns = [
    path("auth/visitor", views.VisitorView.as_view()),
    path("auth/signup", views.SignupView.as_view()),
    path("auth/verify", views.VerifyView.as_view()),
    path("auth/collect", views.CollectView.as_view()),
    path("auth/resend-verification", views.ResendView.as_view()),
    path("auth/session-check", hot.show),
    path("auth/verification-status", views.VerificationStatusView.as_view()),
    path("auth/refresh-token", views.RefreshTokenView.as_view()),
    path("auth/migrate-session", views.MigrateSessionView.as_view()),
    path("auth/logout", views.LogoutView.as_view()),
    path("auth/register", views.RegisterView.as_view()),
    path("auth/login", views.LoginView.as_view()),
    path("auth/refresh", views.RefreshView.as_view()),
    path("auth/me", views.MeView.as_view()),
    path("protected", views.ProtectedView.as_view()),
    path("session/<str:session_id>", views.SessionView.as_view()),
    path("account/export", views.ExportView.as_view()),
    path("account", views.AccountView.as_view()),
]

schema.OPERATIONS["/api/v1/auth/session-check"] = hot.OPERATION
