"""Limits for callers whom nothing but their address tells apart, declared with django-ratelimit."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.request import Request

from apps.throttling.limits import LIMITS, Allowance, RateLimited, announce, note, rate_of
from chatkit.network import counted_address

P = ParamSpec("P")
R = TypeVar("R")


def key(_group: str, request: HttpRequest) -> str:
    """Fenced, so that the counter's name can be read back."""
    return f"|{counted_address(request.META.get('REMOTE_ADDR', ''))}|"


def require_address(request: HttpRequest, name: str) -> Allowance | None:
    """Counts one call from this address and refuses it past the limit."""
    limit, rate = LIMITS[name], rate_of(name)
    if rate.count is None:
        return None
    usage = get_usage(request, group=limit.action, key=key, rate=f"{rate.count}/{rate.seconds}s", increment=True)
    remaining = max(0, rate.count - usage["count"])
    # django-ratelimit's window lasts to the end of its last second.
    allowance = Allowance(limit.action, rate, not usage["should_limit"], remaining, max(1, usage["time_left"] + 1))
    note(key(limit.action, request), allowance)
    announce(request, allowance)
    if not allowance.is_allowed:
        raise RateLimited(allowance, limit.sentence)
    return allowance


Method = Callable[Concatenate[Any, Request, P], R]


def per_address(name: str) -> Callable[[Method[P, R]], Method[P, R]]:
    """Decorates a method of an API view: its calls count against the limit `name` of the caller's address."""

    def decorate(method: Method[P, R]) -> Method[P, R]:
        @wraps(method)
        def limited(view: Any, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> R:
            require_address(request._request, name)
            return method(view, request, *args, **kwargs)

        return limited

    return decorate
