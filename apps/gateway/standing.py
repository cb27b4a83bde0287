"""How the provider stands, as /health tells it. Nobody is called for that: what the last answers showed is enough."""

from apps.gateway.breaker import State
from apps.gateway.choice import Chosen, chosen
from apps.gateway.failures import REMEDIES
from chatkit import health
from chatkit.health import Outcome, Status

PROVIDER_OF_AWS = "bedrock"


def register() -> None:
    health.register("runtime", runtime)
    health.register("aws", aws)


def runtime() -> Outcome:
    own = health.runtime()
    if own.status is not Status.OK or (provider := chosen()) is None:
        return own
    found = of(provider)
    return Outcome(found.status, f"{found.message} {own.message}")


def aws() -> Outcome:
    provider = chosen()
    return health.aws() if provider is None or provider.provider.name != PROVIDER_OF_AWS else of(provider)


def of(chosen: Chosen) -> Outcome:
    breaker, asked = chosen.breaker, f"{chosen.name} ({chosen.provider.model})"
    if breaker.state is not State.CLOSED:
        rests = "rests" if breaker.state is State.OPEN else "is tried again"
        return Outcome(Status.DEGRADED, f"{asked} {rests}; its circuit breaker is {breaker.state} ({breaker.trouble}).")
    if breaker.trouble is not None:
        remedy = REMEDIES.get(breaker.trouble, f"The last question failed ({breaker.trouble}).")
        return Outcome(Status.DEGRADED, f"{asked}: {remedy}")
    return Outcome(Status.OK, f"{asked} answers." if breaker.was_asked else f"{asked} has not been asked yet.")
