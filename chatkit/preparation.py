"""What must be true before the first request: tables, collected files, and in test mode a word about the mode."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.urls import reverse

from apps.gateway import choice
from apps.knowledge.ingest import ingest_own_documents, own_documents
from apps.knowledge.models import Document
from apps.throttling.limits import TABLE, rate_of
from chatkit import __version__, config, seeding, static
from chatkit.config import Config
from chatkit.logging import get_logger

log = get_logger(__name__)

SEEDED = "CHATKIT_SEEDED"
MIGRATION_LOCK = 0x63686174  # any number that nobody else uses for an advisory lock


def prepare(*, migrate: bool, address: str) -> None:
    """`address` is where this process listens, for links to its own pages where no BASE_URL is set."""
    connect_provider()
    settings.CHATKIT.data_dir.mkdir(parents=True, exist_ok=True)
    if migrate:
        migrate_database()
    if not settings.DEBUG:
        collect_files()
    learn_own_documents(settings.CHATKIT.public_address(address))
    seed_once()


def connect_provider() -> None:
    """Its client is made before the first visitor, and what it is missing ends the start."""
    try:
        choice.chosen()
    except config.ConfigurationError as exc:
        config.stop(exc.problems)


def seed_once() -> None:
    """Once a server start: the worker processes of `serve` inherit the mark and leave the data as it has become."""
    if not settings.CHATKIT.integration_test_mode or SEEDED in os.environ:
        return
    os.environ[SEEDED] = "1"
    try:
        # A thread, because servers that import the application do so inside their event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(seed).result()
    except DatabaseError:
        log.exception("fixtures_not_seeded")


def seed() -> None:
    try:
        with one_at_a_time():
            for line in seeding.seed(settings.CHATKIT):
                log.info("fixture", line=line)
    finally:
        connection.close()


def migrate_database() -> None:
    try:
        with one_at_a_time():
            call_command("migrate", interactive=False, verbosity=0)
    except OperationalError:
        config.stop(["DATABASE_URL: the database does not answer; start it, or correct the address."])


def learn_own_documents(address: str) -> None:
    """Who tries ChatKit can ask it about itself, until there are documents of their own."""
    if settings.CHATKIT.is_production:
        return
    own = own_documents()
    with one_at_a_time():
        if Document.objects.exclude(pk__in=own).exists():
            own.delete()
        else:
            ingest_own_documents(site_url=f"{address}{reverse('guide')}")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Servers that start together migrate one after the other. SQLite's own lock does as much."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def collect_files() -> None:
    """Collects static files when a source changed since the last time; otherwise this costs a few milliseconds."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    stamp, current = settings.STATIC_ROOT / ".stamp", fingerprint()
    # Servers that start together would clear each other's files away.
    with (settings.STATIC_ROOT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == current:
            return
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(current)


def fingerprint() -> str:
    rules = Path(static.__file__).read_bytes()
    digest = hashlib.sha256(__version__.encode() + rules)
    for finder in finders.get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: str(found[0])):
            stat = (storage.size(path), storage.get_modified_time(path).timestamp())
            digest.update(f"{path} {stat}\n".encode())
    return digest.hexdigest()


def diagnostics(chosen: Config) -> list[str]:
    """What integration test mode says about itself; nothing in it is a secret."""
    if not chosen.integration_test_mode:
        return []
    limits = ", ".join(f"{row.name} {rate_of(row.name)}" for row in TABLE)
    return [
        "Integration test mode is ON: anyone can read the fixtures' tokens in the documentation.",
        f"Limits (count/seconds): {limits}.",
        f"Mail: off ({settings.EMAIL_BACKEND.split('.')[-2]}).",
        f"Origins: {', '.join(chosen.cors_origins)}.",
        f"Database: {'SQLite' if chosen.uses_sqlite else 'PostgreSQL'}; Redis: {'yes' if chosen.redis_url else 'no'}; "
        f"secret key: {'set' if chosen.secret_key else 'made and kept'}.",
    ]
