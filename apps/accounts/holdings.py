"""What accounts themselves keep of a person, for export and deletion."""

from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet

from apps.accounts import rights
from apps.accounts.models import Session, SignIn, Token, User, VerificationToken, Visitor
from apps.gateway.models import SiteInstructions
from apps.throttling.models import Counter


def sessions(user: User) -> rights.Rows:
    return user.sessions.values("id", "kind", "user_agent", "created_at", "last_activity", "expires_at", "revoked_at")


def visitors(user: User) -> rights.Rows:
    return user.visitors.values("id", "user_agent", "created_at", "last_activity", "claimed_at")


def sign_ins_of(user: User) -> "QuerySet[SignIn]":
    """Attempts on the address count as the person's, also from before there was an account."""
    return SignIn.objects.filter(Q(user=user) | Q(email=user.email))


def sign_ins(user: User) -> rights.Rows:
    return sign_ins_of(user).values("method", "outcome", "address", "user_agent", "created_at")


def verifications(user: User) -> rights.Rows:
    return VerificationToken.objects.filter(email=user.email).values("purpose", "created_at", "consented_at", "used_at")


def admin_actions(user: User) -> rights.Rows:
    return LogEntry.objects.filter(user=user).values("action_time", "object_repr", "change_message")


def instructions(user: User) -> rights.Rows:
    """What was written for the site stays the site's when its author leaves; only the name goes."""
    return SiteInstructions.objects.filter(changed_by=user).values("text", "changed_at")


def counters_of(user: User) -> "QuerySet[Counter]":
    names = Q(subject=user.email) | Q(subject__startswith=f"{user.email}|") | Q(subject=f"user:{user.id}")
    return Counter.objects.filter(names)


def counters(user: User) -> rights.Rows:
    return counters_of(user).values("action", "count", "started_at", "expires_at")


def register() -> None:
    rights.register("sessions", Session, Token, export=sessions, erase=lambda user: user.sessions.all().delete())
    rights.register("visitors", Visitor, export=visitors, erase=lambda user: user.visitors.all().delete())
    rights.register("sign_ins", SignIn, export=sign_ins, erase=lambda user: sign_ins_of(user).delete())
    rights.register(
        "verifications",
        VerificationToken,
        export=verifications,
        erase=lambda user: VerificationToken.objects.filter(email=user.email).delete(),
    )
    rights.register(
        "admin_actions",
        LogEntry,
        export=admin_actions,
        erase=lambda user: LogEntry.objects.filter(user=user).delete(),
    )
    rights.register(
        "site_instructions",
        SiteInstructions,
        export=instructions,
        erase=lambda user: SiteInstructions.objects.filter(changed_by=user).update(changed_by=None),
    )
    rights.register("limits", Counter, export=counters, erase=lambda user: counters_of(user).delete())
