"""Which provider AGENT names: connected once a process, with its breaker; nothing for the local agent."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import cast

from django.conf import settings

from apps.gateway import calls
from apps.gateway.breaker import Breaker
from apps.gateway.protocol import Pieces, Provider, Request
from chatkit import metrics
from chatkit.config import Config

LOCAL = "local"


@dataclass(slots=True)
class Chosen:
    """A connected provider, and what was learnt about it."""

    provider: Provider
    deadlines: calls.Deadlines
    breaker: Breaker = field(default_factory=Breaker)

    @property
    def name(self) -> str:
        return self.provider.name

    def ask(self, request: Request) -> Pieces:
        return calls.stream(self.provider, self.breaker, request, self.deadlines)


_chosen: Chosen | None = None


def chosen() -> Chosen | None:
    """Connects when it is asked for the first time, which a server does before its first visitor."""
    global _chosen
    if _chosen is None and settings.CHATKIT.agent != LOCAL:
        _chosen = connect(settings.CHATKIT)
    return _chosen


def connect(config: Config) -> Chosen:
    # By name: who keeps the local agent must not pay for importing SDKs.
    module = import_module(f"apps.gateway.{config.agent}")
    made = Chosen(cast(Provider, module.connect(config)), calls.Deadlines.of(config))
    metrics.provider_breaker.labels(made.provider.name).set(0)
    return made


async def warm() -> None:
    if (provider := chosen()) is not None:
        await provider.provider.warm()


async def close() -> None:
    """The connections, at the end of the process; who asks again connects anew."""
    global _chosen
    ending, _chosen = _chosen, None
    if ending is not None:
        await ending.provider.close()
