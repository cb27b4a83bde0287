"""All that can go wrong with a provider: one closed set, however each of them says it."""

import math
import re
from collections.abc import Mapping
from enum import StrEnum

from chatkit.errors import ChatKitError, ServiceUnavailable

LONGEST_RETRY_AFTER = 3600
# What providers call their errors; anything else they put there is not for our logs.
NAMED = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}")


class Kind(StrEnum):
    UNREACHABLE = "unreachable"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"  # noqa: S105 - a name
    STALLED = "stalled"
    CUT = "cut"
    MALFORMED = "malformed"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    KEY_REFUSED = "key_refused"
    UNKNOWN_MODEL = "unknown_model"
    REQUEST_REFUSED = "request_refused"
    EMPTY = "empty"
    BREAKER_OPEN = "breaker_open"


PROVIDERS_FAULT = frozenset(
    {Kind.UNREACHABLE, Kind.FIRST_TOKEN_TIMEOUT, Kind.STALLED, Kind.CUT, Kind.MALFORMED, Kind.OVERLOADED}
)
# Nothing helps but its owner: the log names the remedy, and /health shows it until an answer comes.
MISCONFIGURED = frozenset({Kind.KEY_REFUSED, Kind.UNKNOWN_MODEL, Kind.REQUEST_REFUSED})
MAY_PASS = frozenset({Kind.UNREACHABLE, Kind.CUT, Kind.OVERLOADED})

REMEDIES = {
    Kind.RATE_LIMITED: "The provider takes no more questions at the moment; wait, or raise its limit for this key.",
    Kind.KEY_REFUSED: "The provider refuses the key; correct it, or what it is allowed to do.",
    Kind.UNKNOWN_MODEL: "The provider does not know the model; set AGENT_MODEL to one that it has.",
    Kind.REQUEST_REFUSED: "The provider refuses the request; see `status` and `error_type`, and the address.",
}
SENTENCES = {
    Kind.STALLED: "The answer broke off. Please try again.",
    Kind.CUT: "The answer broke off. Please try again.",
    Kind.RATE_LIMITED: "The assistant has too many questions at the moment. Please try again in a moment.",
    Kind.KEY_REFUSED: "The assistant cannot answer at the moment. Please try again later.",
    Kind.UNKNOWN_MODEL: "The assistant cannot answer at the moment. Please try again later.",
    Kind.REQUEST_REFUSED: "The assistant could not work with this question. Please ask it in another way.",
    Kind.EMPTY: "The assistant gave no answer to this. Please ask it in another way.",
}


class ProviderUnavailable(ServiceUnavailable):
    code = "runtime_unavailable"
    sentence = "The assistant cannot be reached at the moment. Please try again."


class ProviderBusy(ChatKitError):
    code = "rate_limited"
    status = 429


class Failure(Exception):
    """Why there is no answer, or no more of it. Holds nothing that a provider wrote but checked names."""

    def __init__(
        self,
        kind: Kind,
        *,
        status: int | None = None,
        error_type: object = None,
        request_id: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.kind = kind
        self.status = status
        self.error_type = error_type if isinstance(error_type, str) and NAMED.fullmatch(error_type) else None
        self.request_id = request_id if request_id and re.fullmatch(r"[\w.:-]{1,100}", request_id) else None
        self.retry_after = retry_after
        super().__init__(kind)

    @property
    def is_providers_fault(self) -> bool:
        return self.kind in PROVIDERS_FAULT

    def details(self) -> dict[str, object]:
        """For the log."""
        found = {"status": self.status, "error_type": self.error_type, "provider_request_id": self.request_id}
        found |= {"retry_after": self.retry_after, "remedy": REMEDIES.get(self.kind)}
        return {name: value for name, value in found.items() if value is not None}

    def for_visitors(self) -> ChatKitError:
        sentence = SENTENCES.get(self.kind)
        if self.kind is Kind.RATE_LIMITED:
            return self._busy()
        return ProviderUnavailable(sentence, detail={"retry": self.kind not in MISCONFIGURED})

    def _busy(self) -> ChatKitError:
        if self.retry_after is None:
            return ProviderBusy(SENTENCES[Kind.RATE_LIMITED])
        seconds = f"{self.retry_after} second{'' if self.retry_after == 1 else 's'}"
        sentence = f"The assistant has too many questions at the moment. Try again in {seconds}."
        return ProviderBusy(sentence, detail={"retry": True, "retry_after": self.retry_after})


BY_TYPE = {
    "overloaded_error": Kind.OVERLOADED,
    "api_error": Kind.OVERLOADED,
    "timeout_error": Kind.OVERLOADED,
    "server_error": Kind.OVERLOADED,
    "rate_limit_error": Kind.RATE_LIMITED,
    "rate_limit_exceeded": Kind.RATE_LIMITED,
    "authentication_error": Kind.KEY_REFUSED,
    "permission_error": Kind.KEY_REFUSED,
    "not_found_error": Kind.UNKNOWN_MODEL,
    "invalid_request_error": Kind.REQUEST_REFUSED,
    "billing_error": Kind.REQUEST_REFUSED,
    # Comes with 429, but waiting does not fill the account.
    "insufficient_quota": Kind.REQUEST_REFUSED,
    "throttlingException": Kind.RATE_LIMITED,
    "validationException": Kind.REQUEST_REFUSED,
}
BY_STATUS = {
    401: Kind.KEY_REFUSED,
    403: Kind.KEY_REFUSED,
    404: Kind.UNKNOWN_MODEL,
    408: Kind.OVERLOADED,
    # Bedrock's word for an error of the model itself.
    424: Kind.OVERLOADED,
    429: Kind.RATE_LIMITED,
}


def refused(
    status: int, *, error_type: object = None, headers: Mapping[str, str] | None = None, request_id: str | None = None
) -> Failure:
    """What an answer without success means. In mid-stream the status is 200, and the type alone says it."""
    return Failure(
        kind_of(status, error_type),
        status=status,
        error_type=error_type,
        request_id=request_id,
        retry_after=retry_after((headers or {}).get("retry-after")),
    )


def kind_of(status: int, error_type: object) -> Kind:
    named = BY_TYPE.get(error_type) if isinstance(error_type, str) else None
    if status == 429 and named is Kind.REQUEST_REFUSED:
        return named
    if status == 200:
        return named or Kind.OVERLOADED
    if status >= 500:
        return Kind.OVERLOADED
    return BY_STATUS.get(status, Kind.REQUEST_REFUSED)


def retry_after(value: str | None) -> int | None:
    """Whole seconds; the form that is a date is not used by any of the providers."""
    if value is None or not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value):
        return None
    return min(max(1, math.ceil(float(value))), LONGEST_RETRY_AFTER)
