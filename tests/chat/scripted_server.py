"""`manage.py serve` with an agent that does what the question says: the one part of a server that tests replace.

A question such as `{"tokens": 20, "pause": 0.01, "end": "fail"}` is a script; any other goes to the local agent.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import django
from django.core.management import execute_from_command_line

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["DJANGO_SETTINGS_MODULE"] = "chatkit.settings"
django.setup()

from apps.chat import agents, takeover  # noqa: E402 - apps must be ready first
from apps.chat.journal import Journal  # noqa: E402
from apps.chat.models import Turn  # noqa: E402

if "CHATKIT_TEST_HASTE" in os.environ:
    # The clock runs ten times faster for turns whose process died; the rules are the same.
    takeover.HEARTBEAT, takeover.SWEEP, takeover.DEAD_AFTER = 0.5, 0.5, timedelta(seconds=2)

local = agents.answer


async def scripted(turn: Turn, outcome: agents.Outcome) -> AsyncGenerator[agents.Sources | str]:
    question = turn.question.content
    if not question.startswith("{"):
        async for piece in local(turn, outcome):
            yield piece
        return
    script = json.loads(question)
    outcome.model = "scripted"
    yield agents.Sources([])
    for number in range(script.get("tokens", 3)):
        if pause := script.get("pause"):
            await asyncio.sleep(pause)
        outcome.tokens_used += 1
        yield f"{number} "
    if script.get("end") == "fail":
        raise RuntimeError("the script says so, and no visitor may read why")
    if script.get("end") == "hang":
        await asyncio.sleep(3600)


def token_by_token(journal: Journal, content: str) -> None:
    """For measuring: a frame and a row for each token, however fast they come."""
    Journal.gathered_token(journal, content)  # type: ignore[attr-defined]
    journal._close_token()


agents.answer = scripted
if "CHATKIT_TEST_FRAMES" in os.environ:
    Journal.gathered_token = Journal.token  # type: ignore[attr-defined]
    Journal.token = token_by_token  # type: ignore[method-assign]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
