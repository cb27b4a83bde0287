"""Loaded by pytest before Django: which database the suite runs on, and the services it starts for itself."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.services import Postgres, Service

# Every password and fake token of the suite contains this, so that a search of all logs can prove that none got there.
CANARY = "s3cr3t-canary"

ROOT = Path(__file__).resolve().parent.parent
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
KEPT = ROOT / ".test"  # collected static files, kept between runs because they are slow to make

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
