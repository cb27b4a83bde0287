"""Whole turns: from the question of a visitor to the provider and back, over each transport."""

import json
from typing import Any

import httpx
import pytest

from tests.chat.clients import Caller, Refused, Socket, socket
from tests.gateway.conftest import KEY, Served
from tests.gateway.fakes import TEXTS
from tests.services import wait_until

QUESTION = "How do I set a rate limit?"


def settings_of_turn(server: Served, turn_id: str) -> dict[str, Any]:
    """The turn as it is kept."""
    import sqlite3

    with sqlite3.connect(f"{server.server.settings['DATA_DIR']}/chatkit.sqlite3") as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute("SELECT * FROM chat_turn WHERE id = ?", [turn_id.replace("-", "")]).fetchone()
        return dict(row)


def test_the_providers_words_arrive_with_sources(caller: Caller, served: Served) -> None:
    answered = caller.ask(QUESTION)
    assert answered.text == "".join(TEXTS)
    assert answered.status == "completed"
    assert 1 <= len(answered.sources) <= 5
    assert answered.metadata is not None
    assert answered.metadata["fallback"] is False


def test_what_it_cost_is_kept(caller: Caller, served: Served) -> None:
    answered = caller.ask(QUESTION)
    turn = settings_of_turn(served, answered.turn_id)
    counted = [turn[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens")]
    assert counted == [40, len(TEXTS), 100]
    assert turn["agent"] == served.name
    assert answered.metadata is not None
    assert turn["model"] == answered.metadata["model"]
    assert turn["stop_reason"] == ("stop" if served.name == "openai" else "end_turn")
    assert not turn["is_fallback"]
    assert turn["first_token_at"] is not None


def test_the_model_is_given_the_passages_it_may_cite(caller: Caller, served: Served) -> None:
    answered = caller.ask(QUESTION)
    asked = json.dumps(served.fake.questions[0].body)
    assert all(source["id"] in asked for source in answered.sources)
    assert "<visitor language=" in asked
    assert QUESTION in asked


def test_thanks_need_no_passages(caller: Caller, served: Served) -> None:
    assert caller.ask("Thank you!").sources == []
    assert "The site's documents say nothing about this." in json.dumps(served.fake.questions[0].body)


def test_citations_of_passages_that_were_not_given_are_dropped(caller: Caller, served: Served) -> None:
    served.fake.play(texts=("One [1", "] and none [", "9", "] and ", "[77]."))
    assert caller.ask(QUESTION).text == "One [1] and none and."


def test_the_conversation_is_remembered(caller: Caller, served: Served) -> None:
    first = caller.ask("My name is Alice.")
    caller.ask("What is my name?", conversation_id=first.conversation_id)
    said = served.fake.questions[1].body["messages"]
    said = [message for message in said if message["role"] != "system"]
    assert [message["role"] for message in said] == ["user", "assistant", "user"]
    assert "My name is Alice." in said[0]["content"]


def test_a_selected_text_is_given_as_such(caller: Caller, served: Served) -> None:
    context = {"mode": "chat", "selected_text": "A limit is a count in a window. </selected_text>"}
    caller.ask("Explain this", context=context)
    asked = served.fake.questions[0].body["messages"][-1]["content"]
    assert "<selected_text>\nA limit is a count in a window. &lt;/selected_text>\n</selected_text>" in asked


def test_a_provider_that_cannot_be_reached_is_told_in_a_sentence(caller: Caller, served: Served) -> None:
    served.fake.play(end="refuse")
    with pytest.raises(Refused) as refused:
        caller.ask(QUESTION)
    assert (refused.value.code, refused.value.status) == ("runtime_unavailable", 503)
    assert refused.value.body["message"] == "The assistant cannot be reached at the moment. Please try again."
    assert refused.value.detail["retry"] is True


def test_a_wrong_key_is_no_visitors_business(caller: Caller, served: Served) -> None:
    served.fake.play(status=401, error_type="authentication_error")
    with pytest.raises(Refused) as refused:
        caller.ask(QUESTION)
    assert refused.value.code == "runtime_unavailable"
    assert refused.value.detail["retry"] is False
    assert refused.value.body["message"] == "The assistant cannot answer at the moment. Please try again later."


def test_a_busy_provider_says_when_to_come_back(caller: Caller, served: Served) -> None:
    served.fake.play(status=429, error_type="rate_limit_error", headers={"retry-after": "40"})
    with pytest.raises(Refused) as refused:
        caller.ask(QUESTION)
    assert refused.value.code == "rate_limited"
    assert "Try again in 40 seconds." in refused.value.body["message"]


def test_an_answer_that_breaks_off_is_kept_and_counted(caller: Caller, served: Served) -> None:
    served.fake.play(end="cut")
    with pytest.raises(Refused) as refused:
        caller.ask(QUESTION)
    assert refused.value.body["message"] == "The answer broke off. Please try again."
    found = caller.http.get("/conversations").json()["results"][0]
    messages = caller.http.get(f"/conversations/{found['id']}/messages").json()["results"]
    assert messages[1]["content"].startswith("Set a limit with")
    assert messages[1]["status"] == "failed"


def cancelled_turn(caller: Caller, opened: Socket, served: Served) -> str:
    accepted = opened.request("agent.message", {"text": QUESTION})["payload"]
    opened.until("agent.token")
    opened.send("turn.cancel", {"turn_id": accepted["turn_id"]})
    opened.until("agent.cancelled")
    return str(accepted["turn_id"])


@pytest.mark.parametrize("caller", ["websocket"], indirect=True)
def test_cancelling_reaches_the_provider_and_is_counted(caller: Caller, served: Served) -> None:
    served.fake.play(end="hang")
    with socket(served.url, caller.token) as opened:
        turn = settings_of_turn(served, cancelled_turn(caller, opened, served))
    assert served.fake.hung_up.wait(30)
    assert (turn["status"], turn["stop_reason"]) == ("cancelled", "cancelled")
    assert turn["output_tokens"] >= 1
    assert turn["input_tokens"] >= 1


@pytest.mark.parametrize("caller", ["websocket"], indirect=True)
def test_the_first_token_is_passed_on_at_once(caller: Caller, served: Served) -> None:
    served.fake.play(end="hang", texts=("first",))
    with socket(served.url, caller.token) as opened:
        accepted = opened.request("agent.message", {"text": QUESTION})["payload"]
        assert opened.until("agent.token")["data"] == {"content": "first"}
        opened.send("turn.cancel", {"turn_id": accepted["turn_id"]})
        opened.until("agent.cancelled")


def test_the_local_agent_answers_in_the_providers_place(fallen_caller: Caller, falling_back: Served) -> None:
    falling_back.fake.play(status=529, error_type="overloaded_error")
    answered = fallen_caller.ask(QUESTION)
    assert answered.status == "completed"
    assert answered.sources
    assert answered.metadata is not None
    assert (answered.metadata["model"], answered.metadata["fallback"]) == ("local", True)
    turn = settings_of_turn(falling_back, answered.turn_id)
    assert (turn["agent"], turn["is_fallback"], turn["stop_reason"]) == (falling_back.name, 1, "overloaded")


def test_followers_are_told_that_it_is_the_fallback(fallen_caller: Caller, falling_back: Served) -> None:
    falling_back.fake.play(status=401)
    with socket(falling_back.url, fallen_caller.token) as opened:
        opened.send("agent.message", {"text": QUESTION})
        assert opened.until("agent.started")["data"]["agent"] == falling_back.name
        assert opened.until("agent.sources")["data"]["fallback"] is True
        assert opened.until("agent.completed")["data"]["metadata"]["fallback"] is True


def test_there_is_no_fallback_in_mid_answer(fallen_caller: Caller, falling_back: Served) -> None:
    falling_back.fake.play(end="cut")
    with pytest.raises(Refused):
        fallen_caller.ask(QUESTION)


def test_health_and_metrics_tell_how_it_stands(caller: Caller, served: Served) -> None:
    caller.ask(QUESTION)
    checks = httpx.get(f"{served.url}/health?check=all").json()["checks"]
    assert checks["runtime"]["status"] == "ok"
    assert f"{served.name} (" in checks["runtime"]["message"]
    assert checks["aws"]["status"] == ("ok" if served.name == "bedrock" else "skipped")
    metrics = httpx.get(f"{served.url}/metrics").text
    assert f'chatkit_provider_calls_total{{outcome="completed",provider="{served.name}"}}' in metrics
    assert f'chatkit_provider_breaker{{provider="{served.name}"}} 0.0' in metrics
    assert f'chatkit_provider_tokens_total{{kind="cache_read",provider="{served.name}"}}' in metrics


def test_a_refused_key_shows_in_health_until_an_answer_comes(caller: Caller, served: Served) -> None:
    served.fake.play(status=403)
    with pytest.raises(Refused):
        caller.ask(QUESTION)
    found = httpx.get(f"{served.url}/health?check=runtime").json()["checks"]["runtime"]
    assert found["status"] == "degraded"
    assert "refuses the key" in found["message"]
    served.fake.play()
    caller.ask(QUESTION)
    assert httpx.get(f"{served.url}/health?check=runtime").json()["checks"]["runtime"]["status"] == "ok"


def test_the_key_is_nowhere(caller: Caller, served: Served) -> None:
    """The fake repeats it in its errors. The suite searches all logs besides."""
    for scene in ({"status": 401}, {"status": 429}, {"end": "error"}, {"end": "garbage"}, {}):
        served.fake.play(**scene)
        try:
            shown = json.dumps(vars(caller.ask(QUESTION)))
        except Refused as refused:
            shown = json.dumps(refused.body)
        assert KEY not in shown
    for page in ("/health?check=all", "/metrics", "/api/schema"):
        assert KEY not in httpx.get(f"{served.url}{page}").text
    wait_until(lambda: "provider_failed" in served.server.log(), "the failures are logged")
    assert KEY not in served.server.log()
