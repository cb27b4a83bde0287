"""People, their sessions, visitors, and the history of sign-ins. No raw token is anywhere to be shown."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts import revocation, rights
from apps.accounts.models import Session, SignIn, User, VerificationToken, Visitor
from chatkit.admin import WrittenBySystem


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class UserForm(UserChangeForm):  # type: ignore[type-arg]  # Django's class takes none when it runs
    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # likewise
    form = UserForm
    add_form = NewUserForm
    list_display = ("email", "name", "tier", "is_verified", "is_active", "is_staff", "created_at")
    list_filter = ("tier", "is_active", "is_staff", ("email_verified_at", admin.EmptyFieldListFilter), "groups")
    search_fields = ("email", "name", "id")
    ordering = ("-created_at",)
    readonly_fields = ("id", "created_at", "last_login", "email_verified_at", "consented_at")
    filter_horizontal = ("groups", "user_permissions")
    show_full_result_count = False
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

    @admin.action(description="Disable the selected users and end their sessions")
    def disable(self, request: HttpRequest, users: QuerySet[User]) -> None:
        # Nobody locks themselves out by a careless "select all".
        for user in users.exclude(email=getattr(request.user, "email", "")):
            user.is_active = False
            user.save(update_fields=["is_active"])

    @admin.action(description="Enable the selected users")
    def enable(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            user.is_active = True
            user.save(update_fields=["is_active"])

    @admin.action(description="Sign the selected users out everywhere")
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
                return queryset.filter(revoked_at=None, expires_at__gt=now)
            case "revoked":
                return queryset.exclude(revoked_at=None)
            case "expired":
                return queryset.filter(expires_at__lte=now)
        return queryset


def state_of(row: Session | Visitor) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "live" if row.expires_at > timezone.now() else "expired"


@admin.register(Session)
class SessionAdmin(Revocable):
    list_display = ("id", "user", "kind", "state", "created_at", "last_activity", "expires_at", "user_agent")
    list_filter = (LiveFilter, "kind")
    list_select_related = ("user",)
    search_fields = ("id", "user__email", "user_agent")
    ordering = ("-created_at",)
    show_full_result_count = False
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
    list_filter = (LiveFilter, ("claimed_by", admin.EmptyFieldListFilter))
    list_select_related = ("claimed_by",)
    search_fields = ("id", "claimed_by__email", "user_agent")
    ordering = ("-created_at",)
    show_full_result_count = False
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
    list_filter = ("purpose", ("used_at", admin.EmptyFieldListFilter))
    list_select_related = ("visitor",)
    search_fields = ("email",)
    ordering = ("-created_at",)
    exclude = ("digest",)
    show_full_result_count = False

    @admin.display
    def state(self, token: VerificationToken) -> str:
        if token.used_at is not None:
            return "used"
        return "open" if token.expires_at > timezone.now() else "expired"


@admin.register(SignIn)
class SignInAdmin(WrittenBySystem):
    list_display = ("created_at", "email", "user", "method", "outcome", "address", "user_agent")
    list_filter = ("outcome", "method", "created_at")
    list_select_related = ("user",)
    search_fields = ("email", "address", "user_agent")
    ordering = ("-created_at",)
    show_full_result_count = False
