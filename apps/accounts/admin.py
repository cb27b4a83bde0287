"""People, their sessions, visitors, and the history of sign-ins. No raw token is anywhere to be shown."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import revocation, rights
from apps.accounts.models import Session, SignIn, User, VerificationToken, Visitor
from chatkit.admin import LOOKED_THROUGH, Listing, Presence, WrittenBySystem


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class UserForm(UserChangeForm):  # type: ignore[type-arg]  # Django's class takes none when it runs
    class Meta:
        model = User
        fields = "__all__"


class GroupFilter(admin.SimpleListFilter):
    title = "group"
    parameter_name = "groups__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return list(Group.objects.order_by("name").values_list("id", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(groups=int(value)) if value.isdecimal() else queryset


@admin.register(User)
class UserAdmin(Listing, DjangoUserAdmin):  # type: ignore[type-arg]  # likewise
    form = UserForm
    add_form = NewUserForm
    list_display = ("email", "name", "tier", "is_verified", "is_active", "is_staff", "created_at")
    list_filter = ("tier", "is_active", "is_staff", ("email_verified_at", Presence), GroupFilter)
    sortable_by = ("email", "created_at")
    exact = {"email": "e-mail address", "id": "user id"}
    words = ("email", "name")
    ordering = ("-created_at",)
    readonly_fields = ("id", "created_at", "last_login", "email_verified_at", "consented_at")
    filter_horizontal = ("groups", "user_permissions")
    actions = ("disable", "enable", "sign_out")
    fieldsets = (
        (None, {"fields": ("id", "email", "name", "tier", "tenant_id", "password")}),
        ("Standing", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("created_at", "last_login", "email_verified_at", "consented_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)

    @admin.display(description="verified", boolean=True)
    def is_verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    @admin.action(description="Disable the selected users and end their sessions", permissions=["change"])
    def disable(self, request: HttpRequest, users: QuerySet[User]) -> None:
        # Nobody locks themselves out by a careless "select all".
        for user in users.exclude(email=getattr(request.user, "email", "")):
            user.is_active = False
            user.save(update_fields=["is_active"])

    @admin.action(description="Enable the selected users", permissions=["change"])
    def enable(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            user.is_active = True
            user.save(update_fields=["is_active"])

    @admin.action(description="Sign the selected users out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, users: QuerySet[User]) -> None:
        ended = sum(revocation.end_sessions(user.sessions.all(), user, everything=True) for user in users)
        messages.success(request, f"Ended {ended} session{'' if ended == 1 else 's'}.")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Sessions and history cannot be deleted one by one, and must not keep a person from being deleted."""
        shown, counts, _, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        rights.erase(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            rights.erase(user)


class Revocable(WrittenBySystem):
    """Who may change such rows may revoke them, and nobody may edit them."""

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")


class LiveFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("live", "Live"), ("revoked", "Revoked"), ("expired", "Expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        match self.value():
            case "live":
                # Nearly all are, so the list's own order finds them soonest: an expression keeps the database from
                # reading, and then sorting, all that its index on the end would find.
                ends = Coalesce(F("expires_at"), F("created_at"))
                live: QuerySet[Any] = queryset.alias(ends=ends).filter(revoked_at=None, ends__gt=now)
                return live
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
            case "expired":
                # By its own index: in the order of the list, all the live ones would be passed first.
                expired = queryset.model._default_manager.filter(expires_at__lte=now).order_by("-expires_at")
                return queryset.filter(pk__in=expired.values("pk")[:LOOKED_THROUGH])
        return queryset


def state_of(row: Session | Visitor) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "live" if row.expires_at > timezone.now() else "expired"


@admin.register(Session)
class SessionAdmin(Revocable):
    list_display = ("id", "user", "kind", "state", "created_at", "last_activity", "expires_at", "user_agent")
    list_filter = (LiveFilter, "kind")
    list_prefetch_related = ("user",)
    sortable_by = ("created_at",)
    exact = {"id": "session id", "user__email": "e-mail address", "user_id": "user id"}
    words = ("user_agent",)
    ordering = ("-created_at",)
    actions = ("revoke",)

    @admin.display
    def state(self, session: Session) -> str:
        return state_of(session)

    @admin.action(description="Revoke the selected sessions", permissions=["revoke"])
    def revoke(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        chosen = list(sessions.select_related("user"))
        ended = 0
        for user in {session.user for session in chosen}:
            ids = [session.id for session in chosen if session.user_id == user.id]
            ended += revocation.end_sessions(Session.objects.filter(id__in=ids), user)
        messages.success(request, f"Revoked {ended} session{'' if ended == 1 else 's'}.")


@admin.register(Visitor)
class VisitorAdmin(Revocable):
    list_display = ("id", "state", "claimed_by", "created_at", "last_activity", "expires_at", "user_agent")
    list_filter = (LiveFilter, ("claimed_by", Presence))
    list_prefetch_related = ("claimed_by",)
    sortable_by = ("created_at",)
    exact = {"id": "visitor id", "claimed_by__email": "e-mail address", "claimed_by_id": "user id"}
    words = ("user_agent",)
    ordering = ("-created_at",)
    actions = ("revoke",)

    @admin.display
    def state(self, visitor: Visitor) -> str:
        return "claimed" if visitor.claimed_at is not None else state_of(visitor)

    @admin.action(description="Revoke the selected visitors' tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, visitors: QuerySet[Visitor]) -> None:
        for visitor in visitors:
            revocation.end_visitor(visitor.id)


@admin.register(VerificationToken)
class VerificationTokenAdmin(WrittenBySystem):
    list_display = ("email", "purpose", "state", "created_at", "expires_at", "used_at", "visitor")
    list_filter = ("purpose", ("used_at", Presence))
    list_prefetch_related = ("visitor",)
    sortable_by = ("created_at",)
    exact = {"email": "e-mail address", "visitor_id": "visitor id"}
    words = ("email",)
    ordering = ("-created_at",)
    exclude = ("digest",)

    @admin.display
    def state(self, token: VerificationToken) -> str:
        if token.used_at is not None:
            return "used"
        return "open" if token.expires_at > timezone.now() else "expired"


@admin.register(SignIn)
class SignInAdmin(WrittenBySystem):
    list_display = ("created_at", "email", "user", "method", "outcome", "address", "user_agent")
    list_filter = ("created_at", "outcome", "method")
    list_prefetch_related = ("user",)
    sortable_by = ("created_at",)
    exact = {"email": "e-mail address", "user_id": "user id"}
    words = ("email", "address", "user_agent")
    ordering = ("-created_at",)


@admin.register(LogEntry)
class LogEntryAdmin(WrittenBySystem):
    """What staff changed in the admin. The newest key is the newest entry."""

    list_display = ("action_time", "user", "action_flag", "content_type", "object_repr", "get_change_message")
    list_prefetch_related = ("user", "content_type")
    exact = {"user__email": "e-mail address of staff"}
    words = ("object_repr", "change_message")
    ordering = ("-id",)
    fields = ("action_time", "user", "action_flag", "content_type", "object_id", "object_repr", "get_change_message")
