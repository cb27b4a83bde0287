"""The page behind the link in the mail. Opening it changes nothing, because mail scanners open links too."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import registration
from apps.accounts.credentials import AccountDisabled
from apps.accounts.origin import origin_of
from apps.throttling.addresses import require_address

Refused = (registration.VerificationInvalid, registration.VerificationExpired, AccountDisabled)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        token = request.GET.get("token", "")
        return show(request, {"token": token, "asker": registration.asker_of(token)})
    require_address(request, "verify")
    lets_in = "lets_in" in request.POST
    try:
        verified = registration.confirm(request.POST.get("token", ""), origin=origin_of(request), lets_asker_in=lets_in)
    except Refused as refusal:
        return show(request, {"refusal": refusal.message}, status=refusal.status)
    return show(request, {"email": verified.user.email, "lets_in": lets_in})


def show(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return render(request, "accounts/verify.html", context, status=status)
