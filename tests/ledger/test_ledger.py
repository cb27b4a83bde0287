"""Group commit: whoever was told "saved" is saved, and nobody pays for somebody else's mistake."""

import asyncio
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from apps.accounts.models import User
from apps.throttling.models import Counter
from chatkit import ledger as ledger_module
from chatkit.entries import Change, Insert, NotApplied
from chatkit.errors import ServerAtCapacity
from chatkit.ledger import Ledger
from tests.environment import ROOT
from tests.live import clean_environment
from tests.services import Postgres

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def counter(subject: str, count: int = 1) -> Counter:
    return Counter(action="test", subject=subject, count=count, started_at=NOON, expires_at=NOON + timedelta(hours=1))


def subjects() -> set[str]:
    return set(Counter.objects.values_list("subject", flat=True))


@pytest.fixture
def books() -> Any:
    made = Ledger()
    yield made
    made.close()


async def test_what_was_written_is_there_after_the_await(books: Ledger) -> None:
    await books.write(counter("alice"), counter("bob"))
    assert await asyncio.to_thread(subjects) == {"alice", "bob"}


def test_plain_threads_may_write_too(books: Ledger) -> None:
    books.write_blocking(counter("alice"))
    assert subjects() == {"alice"}


async def test_writers_of_one_tick_share_one_transaction(books: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    monkeypatch.setattr(ledger_module, "measure", lambda batch, *_: batches.append(len(batch)))
    await asyncio.gather(*(books.write(counter(f"writer {n}")) for n in range(100)))
    await asyncio.to_thread(books.close)
    assert sum(batches) == 100
    assert len(batches) < 10


async def test_a_bad_row_fails_its_writer_and_nobody_else(books: Ledger) -> None:
    await books.write(counter("taken"))
    writers = [books.write(counter(f"writer {n}")) for n in range(20)]
    writers.insert(7, books.write(counter("good half"), counter("taken")))
    outcomes = await asyncio.gather(*writers, return_exceptions=True)
    assert isinstance(outcomes.pop(7), IntegrityError)
    assert outcomes == [None] * 20
    # All or nothing holds for each writer.
    assert await asyncio.to_thread(subjects) == {"taken", *(f"writer {n}" for n in range(20))}


async def test_a_plain_row_becomes_what_an_instance_would(books: Ledger) -> None:
    given = {"action": "test", "subject": "alice", "started_at": NOON, "expires_at": NOON + timedelta(hours=1)}
    await asyncio.gather(books.write(Insert(Counter, given)), books.write(counter("bob")))
    alice, bob = [row async for row in Counter.objects.order_by("subject").values("count", *given)]
    assert alice == {**given, "count": Counter().count}
    assert {**alice, "subject": "", "count": 0} == {**bob, "subject": "", "count": 0}


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"subject": "alice"}, IntegrityError),
        ({"subject": "alice", "colour": "red"}, TypeError),
        ({"subject": "alice", "action": "test", "started_at": "yesterday", "expires_at": NOON}, ValidationError),
    ],
)
async def test_a_plain_row_that_is_not_one_fails_its_writer_alone(
    books: Ledger, values: dict[str, Any], error: type[Exception]
) -> None:
    outcomes = await asyncio.gather(
        books.write(counter("fine")), books.write(Insert(Counter, values)), return_exceptions=True
    )
    assert outcomes[0] is None
    assert isinstance(outcomes[1], error)


async def test_times_of_other_zones_are_kept_as_the_moment_they_are(books: Ledger) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    await books.write(
        Insert(Counter, {"action": "test", "subject": "alice", "started_at": elsewhere, "expires_at": NOON})
    )
    assert await Counter.objects.values_list("started_at", flat=True).aget() == NOON


async def test_a_value_that_cannot_be_stored_fails_its_writer_and_nobody_else(books: Ledger) -> None:
    broken = counter("broken")
    broken.count = "many"  # type: ignore[assignment]
    outcomes = await asyncio.gather(books.write(counter("fine")), books.write(broken), return_exceptions=True)
    assert outcomes[0] is None
    assert isinstance(outcomes[1], ValueError)


async def test_changes_apply_in_the_order_they_were_handed_in(books: Ledger) -> None:
    first, second = (
        Change(Counter, {"subject": "alice"}, {"count": 5}),
        Change(Counter, {"subject": "alice"}, {"count": 6}),
    )
    await books.write(counter("alice"), first, second)
    assert await Counter.objects.values_list("count", flat=True).aget() == 6


async def test_a_row_may_be_changed_and_its_place_taken_in_one_batch(books: Ledger) -> None:
    await books.write(counter("alice"))
    renames = books.write(Change(Counter, {"subject": "alice"}, {"subject": "alice before"}))
    await asyncio.gather(renames, books.write(counter("alice", 2)))
    assert await asyncio.to_thread(subjects) == {"alice", "alice before"}


async def test_of_two_claims_on_one_row_one_wins(books: Ledger) -> None:
    await books.write(counter("free"))
    claims = [
        books.write(Change(Counter, {"subject": "free"}, {"subject": f"claimed {n}"}, must_match=True))
        for n in range(8)
    ]
    outcomes = await asyncio.gather(*claims, return_exceptions=True)
    assert [isinstance(outcome, NotApplied) for outcome in outcomes].count(False) == 1


async def test_a_claim_that_fails_takes_back_what_its_writer_wrote(books: Ledger) -> None:
    claim = Change(Counter, {"subject": "nobody"}, {"count": 1}, must_match=True)
    with pytest.raises(NotApplied):
        await books.write(counter("alice"), claim)
    assert await asyncio.to_thread(subjects) == set()


async def test_a_full_queue_refuses_newcomers(books: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "LARGEST_QUEUE", 3)
    held = threading.Event()
    monkeypatch.setattr(books, "_commit", lambda *_: held.wait(10))
    waiting = [asyncio.ensure_future(books.write(counter(f"writer {n}"))) for n in range(8)]
    outcomes = await asyncio.gather(*waiting[4:], return_exceptions=True)
    held.set()
    assert any(isinstance(outcome, ServerAtCapacity) for outcome in outcomes)
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_closing_commits_what_waits_and_refuses_what_comes_later(books: Ledger) -> None:
    writers = [asyncio.ensure_future(books.write(counter(f"writer {n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(books.close)
    await asyncio.gather(*writers)
    with pytest.raises(ServerAtCapacity):
        await books.write(counter("late"))
    assert len(await asyncio.to_thread(subjects)) == 50


async def test_a_cancelled_writer_disturbs_nobody(books: Ledger) -> None:
    leaving, staying = (asyncio.ensure_future(books.write(counter(name))) for name in ("leaving", "staying"))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert "staying" in await asyncio.to_thread(subjects)


def test_a_cut_connection_is_reopened_and_nothing_is_lost(postgres: Postgres) -> None:
    """As when an administrator, a proxy or a failover ends it."""
    writer = start_writer(postgres.new_database(), "--announce")
    assert read_line(writer) == "saved 0"
    postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    tell(writer)
    assert read_line(writer) == "saved 1"
    writer.kill()


def test_with_the_database_gone_writers_are_told_and_afterwards_it_goes_on(postgres: Postgres) -> None:
    writer = start_writer(postgres.new_database(), "--announce")
    assert read_line(writer) == "saved 0"
    postgres.stop()
    tell(writer)
    assert read_line(writer) == "DatabaseUnavailable"
    postgres.start()
    tell(writer)
    assert read_line(writer) == "saved 1"
    writer.kill()


def start_writer(database_url: str, *arguments: str) -> "subprocess.Popen[str]":
    settings = {"DATABASE_URL": database_url, "SECRET_KEY": "s" * 40}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.writer", *arguments],
        cwd=ROOT,
        env=clean_environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_every_confirmed_row_of_50_writers_survives_kill_9(database_url: str) -> None:
    confirmed: set[str] = set()
    # Killed in the middle twice, then left to finish 10,000 rows.
    for limit in (1_500, 2_500, 10_000 - 4_000):
        writer = start_writer(database_url, "--writers", "50")
        tell(writer)
        seen = 0
        while seen < limit:
            batch = read_line(writer).split()
            confirmed.update(batch)
            seen += len(batch)
        writer.kill()
        writer.wait(30)
        assert writer.stdout is not None
        confirmed.update(writer.stdout.read().split()[:-1])
    assert len(confirmed) >= 10_000
    assert confirmed <= subjects()


def test_a_row_that_breaks_only_at_the_commit_fails_its_writer_alone(books: Ledger) -> None:
    """Foreign keys are checked at the commit, when all rows of the batch are already in."""
    orphan = LogEntry(user_id=User().pk, action_flag=1, object_repr="orphan", action_time=NOON)
    with pytest.raises(IntegrityError):
        books.write_blocking(counter("with orphan"), orphan)
    books.write_blocking(counter("fine"))
    assert subjects() == {"fine"}
