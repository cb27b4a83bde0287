from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import m2m_changed, post_save

from chatkit import config, housekeeping, retention, seeding


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from django.contrib.sessions.models import Session as AdminSession
        from django.utils import timezone

        from apps.accounts import fixtures, holdings, keys, revocation, support
        from apps.accounts.models import Session, SignIn, Token, User, VerificationToken, Visitor

        try:
            keys.load(settings.CHATKIT)
        except config.ConfigurationError as exc:
            config.stop(exc.problems)
        retention.register("tokens that expired", Token.objects.expired)
        retention.register("sessions that expired", Session.objects.over)
        retention.register("visitors who stayed away", Visitor.objects.expired)
        retention.register("verification tokens that expired", VerificationToken.objects.stale)
        retention.register("sign-ins older than 90 days", SignIn.objects.old)
        expired = AdminSession.objects.filter
        retention.register("log-ins to the admin that expired", lambda: expired(expire_date__lte=timezone.now()))
        housekeeping.accompany(revocation.listen)
        seeding.register("accounts", fixtures.seed)
        holdings.register()
        support.register()
        post_save.connect(revocation.user_saved, sender=User)
        for granted in (User.groups.through, User.user_permissions.through):
            m2m_changed.connect(revocation.grants_changed, sender=granted)
