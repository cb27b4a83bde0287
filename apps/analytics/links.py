"""From a number to the rows behind it: addresses of filtered lists, for those who may see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import User
from apps.analytics.periods import Period


@dataclass(frozen=True, slots=True)
class Links:
    """What a member of staff may follow; an empty address where not."""

    user: User | AnonymousUser

    @classmethod
    def of(cls, request: HttpRequest) -> "Links":
        return cls(request.user)

    def may(self, permission: str) -> bool:
        return self.user.has_perm(permission)

    def listed(self, model: str, period: Period | None = None, /, **lookups: object) -> str:
        """The list of a model such as `chat.turn`, of a period, narrowed by lookups."""
        app, _, name = model.partition(".")
        if not self.may(f"{app}.view_{name}"):
            return ""
        asked: dict[str, object] = {}
        if period is not None:
            asked = {"created_at__gte": period.begin.isoformat(), "created_at__lt": period.end.isoformat()}
        return f"{reverse(f'admin:{app}_{name}_changelist')}?{urlencode({**asked, **lookups})}"

    def turns(self, period: Period, /, **lookups: object) -> str:
        return self.listed("chat.turn", period, **lookups)

    def these_turns(self, keys: Iterable[UUID]) -> str:
        return self.listed("chat.turn", id__in=",".join(map(str, keys)))

    def events(self, period: Period, /, *event_types: str, **lookups: object) -> str:
        kinds = {"event_type": event_types[0]} if len(event_types) == 1 else {"event_type__in": ",".join(event_types)}
        return self.listed("analytics.event", period, **(kinds if event_types else {}), **lookups)

    def document(self, key: int | None) -> str:
        if key is None or not self.may("knowledge.view_document"):
            return ""
        return reverse("admin:knowledge_document_change", args=[key])

    def improvement(self, key: UUID) -> str:
        if not (self.may("chat.view_message") and self.may("knowledge.change_document")):
            return ""
        return reverse("admin:unanswered", args=[key])
