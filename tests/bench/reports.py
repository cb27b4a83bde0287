"""How long a year of reports takes to open beside millions of events (`BENCH_EVENTS`), and one day to add up."""

# ruff: noqa: S608 - every part of these statements stands in this file
import os
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.utils import timezone

from tests.bench import table

EVENTS = int(os.environ.get("BENCH_EVENTS", "300000"))
DAYS = 365
EVENTS_OF_A_VISITOR, TURNS_AMONG_EVENTS, WORDINGS = 12, 50, 5_000
OPENED = 5
COUNTING = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
# Everything is spread evenly over the year that ends now; keys count up, as those of new rows do.
MOMENT = "strftime('%Y-%m-%d %H:%M:%f', {begin} + i * {step}, 'unixepoch')"
TYPES = "CASE i % 4 WHEN 0 THEN 'widget_loaded' WHEN 1 THEN 'chat_message' WHEN 2 THEN 'closed' ELSE 'scrolled' END"
QUESTION = f"'How do I set up thing number ' || (i * 7919 % {WORDINGS}) || ' of my site?'"
SOURCES = (
    """'[{"id":"1","title":"Page ' || (i % 300) || '","url":"https://example.com/' || (i % 300) || '","score":0.9}]'"""
)


def main(folder: Path) -> None:
    began = time.perf_counter()
    fill()
    print(f"\nA year of reports, {EVENTS:,} events and {EVENTS // TURNS_AMONG_EVENTS:,} turns (SQLite)")
    print(f"  made in {time.perf_counter() - began:,.0f} s")
    from apps.analytics import questions, rollup

    show("questions noted", questions.catch_up)
    days = show("days added up", rollup.catch_up)
    assert days >= DAYS - 2
    open_reports()


def show(what: str, work: Callable[[], int]) -> int:
    began = time.perf_counter()
    count = work()
    seconds = time.perf_counter() - began
    print(f"  {count:>12,} {what} in {seconds:,.1f} s, {1000 * seconds / max(1, count):,.1f} ms each")
    return count


def open_reports() -> None:
    from apps.analytics import reports
    from apps.analytics.figures import figures_of
    from apps.analytics.groups import top_questions, unanswered_questions
    from apps.analytics.periods import Period

    year = Period.of_last(DAYS)
    measured("figures of the year", lambda: figures_of(year))
    measured("unanswered questions", lambda: unanswered_questions(year))
    measured("top questions", lambda: top_questions(year))
    seconds = measured("everything, as /analytics/summary", lambda: reports.summary(year))
    measured("a week", lambda: reports.summary(Period.of_last(7)))
    table.verdict(f"a year opens in under a second: {1000 * seconds:,.0f} ms", is_met=seconds < 1)


def measured(what: str, work: Callable[[], object]) -> float:
    times = []
    for _ in range(OPENED):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    seconds = statistics.median(times)
    print(f"  {what:<58}{1000 * seconds:>10,.0f} ms")
    return seconds


def fill() -> None:
    """Plain SQL: as many rows through models would take hours."""
    begin = (timezone.now() - timedelta(days=DAYS)).timestamp()
    seconds = DAYS * 86_400
    turns = EVENTS // TURNS_AMONG_EVENTS
    event = {"begin": begin, "step": seconds / EVENTS, "last": EVENTS - 1}
    turn = {"begin": begin, "step": seconds / turns, "last": turns - 1}
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("PRAGMA foreign_keys=OFF")
        for statement in (*events(event), *conversations(turn)):
            cursor.execute(statement)
        cursor.execute("ANALYZE")


def events(event: dict[str, float]) -> list[str]:
    counting, moment = COUNTING.format(**event), MOMENT.format(**event)
    visitor = f"printf('%032x', i / {EVENTS_OF_A_VISITOR} + 1)"
    columns = "id, event_type, source, visitor_id, network, event_data, created_at"
    source = "CASE i % 4 WHEN 1 THEN 'server' ELSE 'client' END"
    return [
        f"{counting} INSERT INTO analytics_event ({columns}) "
        f"SELECT printf('%032x', i + 1), {TYPES}, {source}, {visitor}, '192.0.2.0/24', '{{}}', {moment} FROM n"
    ]


def conversations(turn: dict[str, float]) -> list[str]:
    counting, moment = COUNTING.format(**turn), MOMENT.format(**turn)
    later = MOMENT.format(**{**turn, "begin": turn["begin"] + 0.4})
    end = MOMENT.format(**{**turn, "begin": turn["begin"] + 2})
    visitor = f"printf('%032x', i * {TURNS_AMONG_EVENTS} / {EVENTS_OF_A_VISITOR} + 1)"
    chat, question, reply, key = (f"printf('{letter}%031x', i)" for letter in "0123")
    sources = f"CASE WHEN i % 8 THEN {SOURCES} ELSE '[]' END"
    message = "id, conversation_id, role, status, content, sources, metadata, created_at"
    columns = (
        "id, conversation_id, question_id, reply_id, status, mode, context, agent, model, error, stop_reason, "
        "is_fallback, heartbeat_at, created_at, first_token_at, ended_at"
    )
    return [
        f"{counting} INSERT INTO chat_conversation (id, visitor_id, title, created_at, updated_at) "
        f"SELECT {chat}, {visitor}, '', {moment}, {moment} FROM n",
        f"{counting} INSERT INTO chat_message ({message}) "
        f"SELECT {question}, {chat}, 'user', 'complete', {QUESTION}, '[]', '{{}}', {moment} FROM n",
        f"{counting} INSERT INTO chat_message ({message}) "
        f"SELECT {reply}, {chat}, 'assistant', 'complete', 'So.', {sources}, '{{}}', {moment} FROM n",
        f"{counting} INSERT INTO chat_turn ({columns}) SELECT {key}, {chat}, {question}, {reply}, "
        f"'completed', 'browse', '{{}}', 'local', 'local', '', '', 0, {moment}, {moment}, {later}, {end} FROM n",
        f"{counting} INSERT INTO chat_feedback (message_id, rating, comment, created_at, updated_at) "
        f"SELECT {reply}, CASE WHEN i % 3 THEN 1 ELSE -1 END, '', {moment}, {moment} FROM n WHERE i % 20 = 0",
    ]
