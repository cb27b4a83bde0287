"""Fixtures of the whole suite: real servers, real services, and a small cast of callers."""

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from apps.analytics import listeners, recording
from apps.analytics.models import Event
from chatkit.ledger import ledger
from tests.live import LiveServer
from tests.services import Postgres, Redis, Service


@pytest.fixture(scope="session", autouse=True)
def plain_static_files() -> None:
    """Pages rendered inside the suite's own processes need no collected files."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


@pytest.fixture(scope="session", autouse=True)
def log_of_the_suite() -> Iterator[None]:
    """What the product logs inside the suite's own processes, kept for the search for secrets."""
    name = f"suite-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.log"
    handler = logging.FileHandler(Path(os.environ["CHATKIT_TEST_FOLDER"]) / name)
    root = logging.getLogger()
    handler.setFormatter(root.handlers[0].formatter)
    root.addHandler(handler)
    yield
    root.removeHandler(handler)
    handler.close()


def start_service(kind: type[Service], folder: Path, request: pytest.FixtureRequest) -> Service:
    if kind.find() is None or request.config.getoption("--no-services"):
        if os.environ.get("CI") == "true":
            pytest.fail(f"{kind.__name__} is not installed, and CI may not skip it.")
        pytest.skip(f"{kind.__name__} is not installed; `make test` says how to get it.")
    service = kind(folder)
    folder.chmod(0o777)
    return service


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, to stop and start as it likes."""
    folder = Path(os.environ["CHATKIT_TEST_FOLDER"]) / tmp_path_factory.mktemp("postgres").name / str(os.getpid())
    folder.mkdir(parents=True)
    service = start_service(Postgres, folder, request)
    service.start()
    yield service  # type: ignore[misc]
    service.stop()


@pytest.fixture
def redis_service(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Redis]:
    """A Redis of the test's own, to stop and start as it likes."""
    service = start_service(Redis, tmp_path, request)
    service.start()
    yield service  # type: ignore[misc]
    service.stop()


@pytest.fixture
def redis(redis_service: Redis) -> str:
    return redis_service.url


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LiveServer]]:
    """Starts server processes and stops whatever the test left running."""
    started: list[LiveServer] = []

    def start(**settings: Any) -> LiveServer:
        server = LiveServer(tmp_path_factory.mktemp("server"), **settings)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


class Aside:
    """Keeps what the server notes about itself: beside a test's transaction the ledger would wait for its end."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def leave(self, *events: Event) -> "Future[None]":
        self.events.extend(events)
        done: Future[None] = Future()
        done.set_result(None)
        return done


@pytest.fixture(autouse=True)
def noticed(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What analytics noticed in the suite's own process, by this test."""
    aside = Aside()
    monkeypatch.setattr(recording, "ledger", aside)
    listeners.lately.clear()
    return aside.events


@pytest.fixture
def open_ledger() -> Iterator[None]:
    """The ledger's thread and connection end with the test, before its tables are emptied."""
    ledger.open()
    yield
    ledger.close()


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The address of the test's own database, for processes that it starts."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    return (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL drops no database that somebody still looks at, as a thread that has just ended may."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
