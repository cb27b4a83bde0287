"""What an examination says: topics that were looked at, and what is wrong, each with its remedy."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. Advice is worth reading, and breaks nothing."""

    problem: str
    remedy: str
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """One topic. `seen` says in a few words what was looked at, or why it was not."""

    topic: str
    seen: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def status(self) -> str:
        if any(not finding.is_advice for finding in self.findings):
            return "problem"
        return "advice" if self.findings else "ok"


@dataclass(slots=True)
class Report:
    server: str
    origin: str
    results: list[Result] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        return all(result.status != "problem" for result in self.results)

    def as_json(self) -> dict[str, Any]:
        checks = [{"status": result.status, **asdict(result)} for result in self.results]
        return {"server": self.server, "origin": self.origin, "is_healthy": self.is_healthy, "checks": checks}
