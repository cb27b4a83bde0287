"""Loaded by pytest before Django: which database the suite runs on, and the services it starts for itself."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.leaks import CANARY, find_leaks
from tests.services import Postgres, Service

ROOT = Path(__file__).resolve().parent.parent
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
KEPT = ROOT / ".test"  # collected static files, kept between runs because they are slow to make

LEAKS = pytest.StashKey[list[str]]()

_services: list[Service] = []


def start(service: Service) -> str:
    _services.append(service)
    return service.start()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-services", action="store_true", help="Skip what needs PostgreSQL or Redis.")


def prepare_environment() -> None:
    """The controller decides and starts; its workers inherit."""
    if not WORKER:
        # PostgreSQL runs as another user, who must be able to pass through.
        os.environ["CHATKIT_TEST_FOLDER"] = tempfile.mkdtemp(prefix="chatkit-test-")
        Path(os.environ["CHATKIT_TEST_FOLDER"]).chmod(0o755)
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
        if os.environ.get("CHATKIT_TEST_DATABASE") == "postgresql":
            os.environ["DATABASE_URL"] = start(Postgres(new_folder("postgres-shared")))
    os.environ["CHATKIT_CONFIG"] = str(ROOT / "tests" / "chatkit.yaml")
    os.environ["DATA_DIR"] = str(new_folder(f"data-{WORKER or 'main'}"))
    os.environ["SECRET_KEY"] = f"{CANARY}-signing-key-of-the-suite-0123456789"
    os.environ["LOG_LEVEL"] = "INFO"


def new_folder(name: str) -> Path:
    folder = Path(os.environ["CHATKIT_TEST_FOLDER"]) / name
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
    return folder


prepare_environment()


def pytest_unconfigure() -> None:
    while _services:
        _services.pop().stop()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The last check of all, once every worker and every server has ended."""
    if WORKER:
        return
    leaks = list(find_leaks(Path(os.environ["CHATKIT_TEST_FOLDER"])))
    session.config.stash[LEAKS] = leaks
    if leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for leak in config.stash.get(LEAKS, []):
        terminalreporter.write_line(f"A secret reached a log: {leak}", red=True)
