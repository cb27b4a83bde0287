"""Rows by the thousand or by the million, made by the database itself: for tests and benches of what must not grow."""

from django.db import connection

EXPRESSIONS = {
    "sqlite": {
        "series": "WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < {count})",
        "moment": "datetime('2026-01-01', '+' || ({0}) || ' seconds')",
        "uuid": "printf('%08x%024x', {0}, {1})",
    },
    "postgresql": {
        "series": "WITH series AS (SELECT generate_series(1, {count}) AS i)",
        "moment": "timestamptz '2026-01-01 00:00:00+00' + ({0}) * interval '1 second'",
        "uuid": "(lpad(to_hex({0}), 8, '0') || lpad(to_hex({1}), 24, '0'))::uuid",
    },
}
USER, VISITOR, CONVERSATION, TURN, QUESTION, REPLY, SAVED, SESSION, EVENT = range(1, 10)


def moment(seconds: str = "i") -> str:
    return EXPRESSIONS[connection.vendor]["moment"].format(seconds)


def key(kind: int, number: str = "i") -> str:
    return EXPRESSIONS[connection.vendor]["uuid"].format(kind, number)


def maybe(every: int, value: str) -> str:
    """One row in so many has it."""
    return f"CASE WHEN i % {every} = 0 THEN {value} END"


def tables() -> dict[str, dict[str, str]]:
    """What each column of each table gets, by the number of the row. The rare is rare: one in 5,000."""
    now = moment()
    return {
        "accounts_user": {
            "id": key(USER), "password": "'!'", "is_superuser": "(1 = 0)", "email": "'user' || i || '@example.com'",
            "name": "'Person ' || i", "tier": "CASE WHEN i % 5000 = 0 THEN 'premium' ELSE 'lightweight' END",
            "tenant_id": "'default'", "is_active": "(i % 5000 <> 0)", "is_staff": "(i % 5000 = 0)",
            "email_verified_at": maybe(5000, now), "created_at": now,
        },
        "accounts_session": {
            "id": key(SESSION), "user_id": key(USER), "kind": "CASE WHEN i % 5000 = 0 THEN 'api' ELSE 'widget' END",
            "refresh_jti": "''", "user_agent": "'Browser ' || i", "created_at": now, "last_activity": now,
            "expires_at": moment(f"CASE WHEN i % 5000 = 0 THEN i ELSE i + {10**8} END"), "revoked_at": maybe(5000, now),
        },
        "accounts_visitor": {
            "id": key(VISITOR), "user_agent": "'Browser ' || i", "created_at": now, "last_activity": now,
            "expires_at": moment(f"CASE WHEN i % 5000 = 0 THEN i ELSE i + {10**8} END"), "revoked_at": maybe(5000, now),
            "claimed_by_id": maybe(5000, key(USER)), "claimed_at": maybe(5000, now),
        },
        "accounts_verificationtoken": {
            "digest": "'digest' || i", "email": "'user' || i || '@example.com'",
            "purpose": "CASE WHEN i % 5000 = 0 THEN 'register' ELSE 'signup' END", "created_at": now,
            "number": "''", "expires_at": now, "used_at": maybe(5000, now),
        },
        "accounts_signin": {
            "user_id": key(USER), "email": "'user' || i || '@example.com'",
            "method": "CASE WHEN i % 5000 = 0 THEN 'email' ELSE 'password' END",
            "outcome": "CASE WHEN i % 5000 = 0 THEN 'failed' ELSE 'succeeded' END",
            "user_agent": "'Browser ' || i", "created_at": now,
        },
        "chat_conversation": {
            "id": key(CONVERSATION), "user_id": maybe(5000, key(USER)),
            "visitor_id": f"CASE WHEN i % 5000 <> 0 THEN {key(VISITOR)} END",
            "title": "'How do I bake bread number ' || i", "created_at": now, "updated_at": now,
        },
        "chat_message": {
            "id": key(QUESTION), "conversation_id": key(CONVERSATION), "role": "'user'", "status": "'complete'",
            "content": "'How do I bake bread number ' || i || '?'", "sources": "'[]'", "metadata": "'{}'",
            "created_at": now,
        },
        "chat_message ": {
            "id": key(REPLY), "conversation_id": key(CONVERSATION), "role": "'assistant'", "status": "'complete'",
            "content": "'Mix flour and water, and let the dough rest for ' || i || ' minutes.'", "sources": "'[]'",
            "metadata": "'{}'", "created_at": moment("i + 1"),
        },
        "chat_turn": {
            "id": key(TURN), "conversation_id": key(CONVERSATION), "question_id": key(QUESTION),
            "reply_id": key(REPLY), "mode": "'browse'", "context": "'{}'", "agent": "'local'",
            "status": "CASE i % 5000 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'completed' END",
            "model": "CASE WHEN i % 5000 = 2 THEN 'other' ELSE 'local' END", "error": "COALESCE("
            + maybe(5000, "'runtime_unavailable'") + ", '')", "stop_reason": "''", "is_fallback": "(i % 5000 = 0)",
            "heartbeat_at": now, "created_at": now, "first_token_at": now, "ended_at": moment("i + 1"), "last_seq": "9",
        },
        "chat_feedback": {
            "message_id": key(REPLY), "rating": "CASE WHEN i % 5000 = 0 THEN -1 ELSE 1 END", "comment": "'Fine ' || i",
            "created_at": now, "updated_at": now,
        },
        "chat_savedchat": {
            "id": key(SAVED), "user_id": key(USER), "conversation_id": key(CONVERSATION), "title": "'Bread ' || i",
            "messages": "'[]'", "created_at": now,
        },
        "chat_transcriptview": {
            "staff_id": key(USER), "what": "CASE WHEN i % 5000 = 0 THEN 'export' ELSE 'conversation' END",
            "key": "'key ' || i", "conversation_key": key(CONVERSATION), "created_at": now,
        },
        "chat_handledquestion": {"turn_id": key(TURN), "handled_by_id": key(USER), "created_at": now},
        "knowledge_document": {
            "origin": "CASE WHEN i % 5000 = 0 THEN 'written' ELSE 'ingested' END", "source": "'page/' || i",
            "root": "'pages'", "url": "''", "title": "'Bread ' || i",
            "language": "CASE WHEN i % 5000 = 0 THEN 'de' ELSE '' END", "body": "''", "digest": "''",
            "is_published": "(i % 5000 <> 0)", "created_at": now, "updated_at": now,
        },
        "analytics_event": {
            "id": key(EVENT),
            "event_type": "CASE WHEN i % 5000 = 0 THEN 'signup' ELSE 'chat_message' END",
            "source": "'server'",
            "visitor_id": key(VISITOR),
            "network": "'203.0.113.0/24'",
            "event_data": "'{}'",
            "created_at": now,
        },
        "gateway_siteinstructions": {"text": "'Answer in the tone of a baker.'", "changed_at": now},
        "throttling_counter": {
            "action": "CASE WHEN i % 5000 = 0 THEN 'save_chat' ELSE 'chat' END", "subject": "'user:' || i",
            "count": "CASE WHEN i % 5000 = 0 THEN 5 ELSE 1 END", "maximum": "5", "started_at": now,
            "expires_at": moment(f"i + {10**8}"),
        },
        "django_admin_log": {
            "action_time": now, "user_id": key(USER), "object_id": "'' || i", "object_repr": "'Bread ' || i",
            "action_flag": "2", "change_message": "'Baked'",
        },
    }  # fmt: skip


def fill(count: int) -> None:
    """So many rows in each table, in an order in which what is referred to is there first."""
    series = EXPRESSIONS[connection.vendor]["series"].format(count=count)
    with connection.cursor() as cursor:
        for table, columns in tables().items():
            names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
            cursor.execute(f'INSERT INTO "{table.strip()}" ({names}) {series} SELECT {values} FROM series')  # noqa: S608
        cursor.execute("ANALYZE")
