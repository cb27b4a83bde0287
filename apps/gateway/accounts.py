"""What one answer cost: as the provider says it, or at least what can be seen where the answer broke off."""

from dataclasses import replace

from apps.gateway.prompts import estimate
from apps.gateway.protocol import Delta, Request, Usage
from chatkit import metrics

KINDS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
}


class Account:
    def __init__(self, provider: str, request: Request) -> None:
        self.usage = Usage()
        self._provider = provider
        self._request = request
        self._deltas = 0

    def note(self, piece: Delta | Usage) -> None:
        if isinstance(piece, Usage):
            self.usage = self.usage.updated(piece)
        else:
            self._deltas += 1

    def close(self, *, is_complete: bool) -> Usage:
        if not is_complete and self._deltas:
            self.usage = self._estimated()
        for kind, name in KINDS.items():
            metrics.provider_tokens.labels(self._provider, kind).inc(getattr(self.usage, name) or 0)
        return self.usage

    def _estimated(self) -> Usage:
        """Providers count the output at the end, and some of them the input too; every piece is a token or more."""
        known = self.usage
        return replace(
            known,
            input_tokens=estimate(self._request) if known.input_tokens is None else known.input_tokens,
            output_tokens=max(known.output_tokens or 0, self._deltas),
        )
