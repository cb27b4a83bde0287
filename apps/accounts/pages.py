"""The page behind the link in the mail. Opening it changes nothing, because mail scanners open links too."""

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
        return show(request, {"token": request.GET.get("token", "")})
    require_address(request, "verify")
    try:
        verified = registration.confirm(request.POST.get("token", ""), origin=origin_of(request))
    except Refused as refusal:
        return show(request, {"refusal": refusal.message}, status=refusal.status)
    return show(request, {"email": verified.user.email})


def show(request: HttpRequest, context: dict[str, str], *, status: int = 200) -> HttpResponse:
    return render(request, "accounts/verify.html", context, status=status)
