"""The page behind the link in the mail. Opening it changes nothing, because mail scanners open links too."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import registration, waiting
from apps.accounts.credentials import AccountDisabled
from apps.accounts.origin import origin_of
from apps.throttling.addresses import require_address

Refused = (registration.VerificationInvalid, registration.VerificationExpired, AccountDisabled)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return ask(request, request.GET.get("token", ""))
    require_address(request, "verify")
    raw, number = request.POST.get("token", ""), request.POST.get("number", "").strip()
    try:
        verified = registration.confirm(raw, origin=origin_of(request), number=number)
    except waiting.WrongNumber as refusal:
        return ask(request, raw, problem=refusal.message, status=refusal.status)
    except Refused as refusal:
        return show(request, {"refusal": refusal.message}, status=refusal.status)
    return show(request, {"email": verified.user.email, "signs_in": bool(number)})


def ask(request: HttpRequest, raw: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"token": raw, "expects_number": waiting.expects_number(raw), "problem": problem}
    return show(request, context, status=status)


def show(request: HttpRequest, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    return render(request, "accounts/verify.html", context, status=status)
