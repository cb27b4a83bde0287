"""Events that clients report: kept when they are acknowledged, refused as a whole, never more than was told."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from apps.accounts import visitors
from apps.accounts.models import User
from apps.analytics.models import Event
from chatkit.config import Config, RateLimits
from chatkit.values import Rate
from tests.analytics.conftest import Post
from tests.environment import CANARY

pytestmark = [pytest.mark.database]

ONE, MANY = "/api/v1/analytics/event", "/api/v1/analytics/events"
LOADED = {"event_type": "widget_loaded", "event_data": {"locale": "en"}}


def fields(answer: Any) -> dict[str, list[str]]:
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request")
    found: dict[str, list[str]] = answer.json()["detail"]["fields"]
    return found


async def test_an_event_is_kept_when_it_is_acknowledged(post: Post) -> None:
    answer = await post(ONE, LOADED)
    kept = await Event.objects.aget()
    assert answer.status_code == 200
    assert answer.json() == {"event_id": str(kept.id), "logged_at": kept.created_at.isoformat().replace("+00:00", "Z")}
    assert (kept.event_type, kept.event_data, kept.source) == ("widget_loaded", {"locale": "en"}, "client")


async def test_the_unversioned_path_answers_too(post: Post) -> None:
    assert (await post("/api/analytics/event", {"event_type": "a"})).status_code == 200
    assert (await post("/api/analytics/events", {"events": [{"event_type": "a"}]})).status_code == 200


async def test_an_event_needs_no_data(post: Post) -> None:
    await post(ONE, {"event_type": "a"})
    await post(ONE, {"event_type": "b", "event_data": None})
    assert [kept.event_data async for kept in Event.objects.all()] == [{}, {}]


async def test_an_event_belongs_to_whom_its_credential_names(
    post: Post, alice: User, alice_token: str, entered: visitors.Entered
) -> None:
    await post(ONE, LOADED, token=alice_token)
    await post(ONE, LOADED, token=entered.issued.raw)
    await post(ONE, LOADED)
    owners = [(kept.user_id, kept.visitor_id) async for kept in Event.objects.order_by("created_at")]
    assert owners == [(alice.id, None), (None, entered.visitor.id), (None, None)]


async def test_the_session_and_the_request_are_kept(post: Post, alice: User, alice_token: str) -> None:
    request_id = uuid4()
    await post(ONE, LOADED, token=alice_token, **{"X-Request-ID": str(request_id)})
    kept = await Event.objects.aget()
    assert (kept.session_id, kept.request_id) == ((await alice.sessions.aget()).id, request_id)


async def test_the_address_is_kept_without_its_end(post: Post) -> None:
    await post(ONE, LOADED)
    assert (await Event.objects.aget()).network == "127.0.0.0/24"


@pytest.mark.parametrize("header", ["Bearer ck_made_up", "Bearer ", "Basic YTpi"])
async def test_a_bad_credential_is_not_anonymous(post: Post, header: str) -> None:
    answer = await post(ONE, LOADED, Authorization=header)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer["WWW-Authenticate"] == "Bearer"
    assert not await Event.objects.aexists()


async def test_a_foreign_page_may_not_report(post: Post) -> None:
    assert (await post(ONE, LOADED, Origin="https://evil.example")).status_code == 403
    assert (await post(ONE, LOADED, Origin="http://localhost:3000")).status_code == 200


@pytest.mark.parametrize("event_type", [None, 7, "", "UPPER", "with space", "a" * 65, "umlaut_ä", "a\n", ["a"], "a-b"])
async def test_a_type_is_a_short_plain_word(post: Post, event_type: object) -> None:
    assert list(fields(await post(ONE, {"event_type": event_type}))) == ["event_type"]


@pytest.mark.parametrize("event_data", ["text", 7, [1], True, {"a": {"b": {"c": {}}}}, {"a": [[[1]]]}, {"a": "\0"}])
async def test_data_is_a_shallow_object(post: Post, event_data: object) -> None:
    assert list(fields(await post(ONE, {"event_type": "a", "event_data": event_data}))) == ["event_data"]


async def test_data_may_be_three_deep_and_eight_kibibytes(post: Post) -> None:
    largest = {"a": {"b": {"c": "x" * (8192 - len('{"a":{"b":{"c":""}}}'))}}}
    assert (await post(ONE, {"event_type": "a", "event_data": largest})).status_code == 200
    largest["a"]["b"]["c"] += "x"
    assert "8 KiB" in fields(await post(ONE, {"event_type": "a", "event_data": largest}))["event_data"][0]


@pytest.mark.parametrize("body", [[], "text", 7, None])
async def test_a_body_is_an_object(post: Post, body: object) -> None:
    assert fields(await post(ONE, body))
    assert fields(await post(MANY, body))


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"event_type": NaN}', b'"\\ud800"'])
async def test_a_body_is_json(post: Post, body: bytes) -> None:
    answer = await post(ONE, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_json")


async def test_other_media_and_methods_are_refused_by_name(post: Post, async_client: Any) -> None:
    assert (await post(ONE, LOADED, content_type="text/plain")).json()["error"] == "unsupported_media_type"
    answer = await async_client.get(MANY)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


async def test_a_body_past_two_mebibytes_is_too_large(post: Post) -> None:
    assert (await post(MANY, b" " * (2 * 1024 * 1024 + 1))).json()["error"] == "payload_too_large"


async def test_fifty_events_come_in_one_call(post: Post) -> None:
    answer = await post(MANY, {"events": [{"event_type": f"step_{number}"} for number in range(50)]})
    ids = [event["event_id"] for event in answer.json()["events"]]
    kept = {str(event.id): event.event_type async for event in Event.objects.all()}
    assert [kept[event_id] for event_id in ids] == [f"step_{number}" for number in range(50)]


@pytest.mark.parametrize("events", [[], [LOADED] * 51, None, {}, "text"])
async def test_a_batch_is_a_list_of_one_to_fifty(post: Post, events: object) -> None:
    assert list(fields(await post(MANY, {"events": events}))) == ["events"]


async def test_one_wrong_event_refuses_the_batch_and_is_named(post: Post) -> None:
    wrong = {"events": [LOADED, {"event_type": "NO"}, "text", {"event_type": "a", "event_data": 1}]}
    found = fields(await post(MANY, wrong))
    assert list(found) == ["events[1].event_type", "events[2]", "events[3].event_data"]
    assert not await Event.objects.aexists()


async def test_a_long_wrong_batch_makes_a_short_answer(post: Post) -> None:
    assert len(fields(await post(MANY, {"events": ["text"] * 50}))) == 10


async def test_the_same_event_twice_is_two_events(post: Post) -> None:
    first, second = await post(ONE, LOADED), await post(ONE, LOADED)
    assert first.json()["event_id"] != second.json()["event_id"]
    assert await Event.objects.acount() == 2


async def test_a_token_in_the_data_is_not_kept(post: Post) -> None:
    secret = f"cks_{CANARY}0123456789abcdefghij"
    data = {"session_key": "abc", "where": {"page": f"/x?token={secret}"}, "list": [f"Bearer {secret}"], "width": 7}
    await post(ONE, {"event_type": "a", "event_data": data})
    kept = (await Event.objects.aget()).event_data
    assert CANARY not in str(kept)
    assert (kept["session_key"], kept["width"]) == ("[redacted]", 7)


def limited_to(settings: Settings, count: int) -> None:
    settings.CHATKIT = Config(rate_limits=RateLimits(analytics=Rate(count, 60)))


async def test_calls_past_the_limit_are_refused_and_write_nothing(post: Post, settings: Settings) -> None:
    limited_to(settings, 2)
    answers = [await post(ONE, LOADED) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"analytics";q=2;w=60'
    assert answers[2]["Retry-After"] == str(answers[2].json()["detail"]["retry_after"])
    assert await Event.objects.acount() == 2


async def test_calls_at_the_same_time_never_pass_the_limit(post: Post, settings: Settings) -> None:
    limited_to(settings, 5)
    answers = await asyncio.gather(*(post(ONE, LOADED) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 15
    assert await Event.objects.acount() == 5


async def test_a_batch_counts_as_one_call(post: Post, settings: Settings) -> None:
    limited_to(settings, 1)
    assert (await post(MANY, {"events": [LOADED] * 50})).status_code == 200
    assert (await post(ONE, LOADED)).status_code == 429
