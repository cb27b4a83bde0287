"""What integration test mode puts into the database when a server starts. Apps register their parts."""

from collections.abc import Callable

from chatkit.config import Config

_parts: dict[str, Callable[[], list[str]]] = {}

NOT_IN_TEST_MODE = (
    "INTEGRATION_TEST_MODE: is off, and fixtures have no place in a real database; set it to true to seed them."
)


def register(name: str, part: Callable[[], list[str]]) -> None:
    """`part` may run any number of times and returns lines that say what it made."""
    _parts[name] = part


def seed(config: Config) -> list[str]:
    if not config.integration_test_mode:
        raise RuntimeError(NOT_IN_TEST_MODE)
    return [line for part in _parts.values() for line in part()]
