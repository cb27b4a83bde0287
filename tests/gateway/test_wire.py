"""Each provider's real client against a server that speaks its real wire format."""

import asyncio
import json
import time
from contextlib import aclosing

import pytest

from apps.gateway import calls
from apps.gateway.calls import Deadlines
from apps.gateway.choice import Chosen, connect
from apps.gateway.failures import Failure, Kind
from apps.gateway.protocol import Delta, Request, Usage
from chatkit.config import Config
from tests.gateway.conftest import KEY, QUESTION, settings_of
from tests.gateway.fakes import TEXTS, Fake, Script
from tests.services import free_port

STREAMS = 200


async def answer(provider: Chosen, request: Request = QUESTION) -> tuple[list[str], Usage]:
    texts, usage = [], Usage()
    async with aclosing(provider.ask(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Delta):
                texts.append(piece.text)
            else:
                usage = usage.updated(piece)
    return texts, usage


async def failure(provider: Chosen) -> tuple[Failure, list[str]]:
    texts: list[str] = []
    with pytest.raises(Failure) as found:
        async with aclosing(provider.ask(QUESTION)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Delta):
                    texts.append(piece.text)
    return found.value, texts


async def test_an_answer_arrives_piece_by_piece(provider: Chosen, fake: Fake) -> None:
    texts, _ = await answer(provider)
    assert texts == list(TEXTS)


async def test_what_was_counted_arrives_with_it(provider: Chosen, fake: Fake, name: str) -> None:
    _, usage = await answer(provider)
    written = None if name == "openai" else 7
    reason = "stop" if name == "openai" else "end_turn"
    assert usage == Usage(40, len(TEXTS), 100, written, reason)


async def test_the_question_reaches_the_provider(provider: Chosen, fake: Fake, name: str) -> None:
    await answer(provider)
    body = fake.questions[0].body
    assert "How do I set a limit?" in json.dumps(body["messages"])
    assert "Be brief." in json.dumps(body)
    assert 100 in body.values()
    assert KEY in json.dumps(fake.questions[0].headers)


@pytest.mark.parametrize("size", [1, 7])
async def test_bytes_may_arrive_in_any_slices(provider: Chosen, fake: Fake, size: int) -> None:
    fake.play(slice=size, texts=("Größe ", "→ 10 €"))
    assert (await answer(provider))[0] == ["Größe ", "→ 10 €"]


async def test_a_connection_is_used_again(provider: Chosen, fake: Fake) -> None:
    before = fake.connections
    for _ in range(3):
        await answer(provider)
    assert fake.connections == before + 1


async def test_warming_opens_the_connection_and_shows_no_key(provider: Chosen, fake: Fake) -> None:
    before = fake.connections
    await provider.provider.warm()
    await answer(provider)
    assert fake.connections == before + 1
    assert KEY not in json.dumps(fake.received[0].headers)


async def test_warming_an_address_where_nobody_listens_only_says_so(
    fake: Fake, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = Fake(fake.wire)
    nobody.url = f"http://127.0.0.1:{free_port()}"
    provider = connect(Config(**settings_of(name, nobody)))
    await provider.provider.warm()
    assert "provider_not_reached" in caplog.text
    assert (await failure(provider))[0].kind is Kind.UNREACHABLE
    await provider.provider.close()


async def test_the_first_token_waits_for_no_other(provider: Chosen, fake: Fake) -> None:
    fake.play(end="hang", texts=("first",))
    async with aclosing(provider.ask(QUESTION)) as pieces:
        async with asyncio.timeout(20):
            async for piece in pieces:
                if isinstance(piece, Delta):
                    assert piece.text == "first"
                    return


async def test_who_stops_listening_ends_the_providers_connection(provider: Chosen, fake: Fake) -> None:
    fake.play(end="hang")
    async with aclosing(provider.ask(QUESTION)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Delta):
                break
    assert await asyncio.to_thread(fake.hung_up.wait, 30)


async def test_a_cancelled_task_ends_the_providers_connection(provider: Chosen, fake: Fake) -> None:
    fake.play(end="hang", texts=())
    task = asyncio.create_task(answer(provider))
    await asyncio.to_thread(fake.wait_for_question)
    task.cancel()
    assert await asyncio.to_thread(fake.hung_up.wait, 30)


REFUSALS = [
    (400, "invalid_request_error", Kind.REQUEST_REFUSED),
    (401, "authentication_error", Kind.KEY_REFUSED),
    (403, "permission_error", Kind.KEY_REFUSED),
    (404, "not_found_error", Kind.UNKNOWN_MODEL),
    (413, "request_too_large", Kind.REQUEST_REFUSED),
    (429, "rate_limit_error", Kind.RATE_LIMITED),
    (429, "insufficient_quota", Kind.REQUEST_REFUSED),
    (500, "api_error", Kind.OVERLOADED),
    (503, "api_error", Kind.OVERLOADED),
    (529, "overloaded_error", Kind.OVERLOADED),
    (307, "api_error", Kind.REQUEST_REFUSED),
]


@pytest.mark.parametrize(("status", "error_type", "kind"), REFUSALS)
async def test_a_refusal_is_one_of_ours(
    provider: Chosen, fake: Fake, name: str, status: int, error_type: str, kind: Kind
) -> None:
    if name == "bedrock" and error_type == "insufficient_quota":
        pytest.skip("Bedrock has no such error.")
    fake.play(status=status, error_type=error_type, headers={"Location": fake.url})
    found, texts = await failure(provider)
    assert (found.kind, texts, found.status, found.request_id) == (kind, [], status, "req_1")


async def test_retry_after_is_told(provider: Chosen, fake: Fake) -> None:
    fake.play(status=429, error_type="rate_limit_error", headers={"retry-after": "17"})
    found, _ = await failure(provider)
    assert found.retry_after == 17
    told = found.for_visitors()
    assert (told.code, told.status) == ("rate_limited", 429)
    assert told.message == "The assistant has too many questions at the moment. Try again in 17 seconds."


@pytest.mark.parametrize(
    ("end", "kind"),
    [("cut", Kind.CUT), ("end", Kind.CUT), ("garbage", Kind.MALFORMED), ("error", Kind.OVERLOADED)],
)
async def test_what_breaks_off_keeps_what_was_said(provider: Chosen, fake: Fake, end: str, kind: Kind) -> None:
    fake.play(end=end, error_type=ERRORS[provider.name])
    found, texts = await failure(provider)
    assert (found.kind, texts) == (kind, list(TEXTS))
    assert len(fake.questions) == 1


@pytest.mark.parametrize("end", ["late_cut", "late_hang"])
async def test_what_goes_wrong_after_the_last_word_spoils_nothing(provider: Chosen, fake: Fake, end: str) -> None:
    fake.play(end=end)
    texts, usage = await answer(provider)
    assert texts == list(TEXTS)
    assert usage.stop_reason in {"stop", "end_turn"}


@pytest.mark.parametrize(
    "chunk",
    [b"data: []\n\n", b'data: {"choices": 5}\n\n', b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'],
)
@pytest.mark.parametrize("name", ["openai"], indirect=True)
async def test_json_of_another_shape_is_malformed(
    provider: Chosen, fake: Fake, chunk: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake.wire, "garbage", chunk)
    fake.play(end="garbage")
    assert (await failure(provider))[0].kind is Kind.MALFORMED


ERRORS = {
    "anthropic": "overloaded_error",
    "openai": "server_error",
    "bedrock": "modelStreamErrorException",
}


async def test_no_first_token_in_time(provider: Chosen, fake: Fake) -> None:
    fake.play(end="hang", texts=())
    provider.deadlines = Deadlines(first_token=0.3, stall=30)
    found, _ = await failure(provider)
    assert found.kind is Kind.FIRST_TOKEN_TIMEOUT
    assert await asyncio.to_thread(fake.hung_up.wait, 30)


async def test_a_stall_in_the_middle(provider: Chosen, fake: Fake) -> None:
    fake.play(end="hang")
    provider.deadlines = Deadlines(first_token=30, stall=1)
    found, texts = await failure(provider)
    assert (found.kind, texts) == (Kind.STALLED, list(TEXTS))
    assert await asyncio.to_thread(fake.hung_up.wait, 30)


async def test_what_passes_by_itself_is_asked_again(provider: Chosen, fake: Fake) -> None:
    fake.play(Script(end="refuse"), Script(status=529, error_type="overloaded_error"))
    texts, _ = await answer(provider)
    assert (texts, len(fake.questions)) == (list(TEXTS), 3)


async def test_it_is_not_asked_for_ever(provider: Chosen, fake: Fake) -> None:
    fake.play(end="refuse")
    found, _ = await failure(provider)
    assert (found.kind, len(fake.questions)) == (Kind.UNREACHABLE, calls.MOST_ATTEMPTS)


async def test_a_short_retry_after_is_waited_for(provider: Chosen, fake: Fake) -> None:
    fake.play(Script(status=429, error_type="rate_limit_error", headers={"retry-after": "1"}))
    began = time.monotonic()
    assert (await answer(provider))[0] == list(TEXTS)
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_what_waiting_does_not_help_is_asked_once(provider: Chosen, fake: Fake, status: int) -> None:
    fake.play(status=status)
    await failure(provider)
    assert len(fake.questions) == 1


async def test_nothing_is_asked_again_once_something_was_said(provider: Chosen, fake: Fake) -> None:
    fake.play(end="cut", texts=("one",))
    found, texts = await failure(provider)
    assert (texts, len(fake.questions), found.kind) == (["one"], 1, Kind.CUT)


async def test_an_answer_without_a_word_is_a_failure(provider: Chosen, fake: Fake) -> None:
    fake.play(texts=())
    assert (await failure(provider))[0].kind is Kind.EMPTY


async def test_halves_of_characters_and_nul_do_not_get_through(provider: Chosen, fake: Fake) -> None:
    fake.play(texts=("a\x00b", "\ud83d"))
    assert (await answer(provider))[0] == ["ab", "?"]


async def test_no_error_and_no_repr_holds_the_key(provider: Chosen, fake: Fake) -> None:
    fake.play(status=401, error_type="authentication_error")
    found, _ = await failure(provider)
    for shown in (repr(found), str(found), repr(found.details()), found.for_visitors().message, repr(provider)):
        assert KEY not in shown


async def test_many_streams_hold_in_one_process(provider: Chosen, fake: Fake) -> None:
    """Each of them is open at the same time, and each ends complete."""
    fake.play(texts=("word ",) * 20, first_pause=0.5, pause=0.02)
    provider.deadlines = Deadlines(first_token=120, stall=120)
    answers = await asyncio.gather(*(answer(provider) for _ in range(STREAMS)))
    assert all(texts == ["word "] * 20 for texts, _ in answers)
    assert len(fake.questions) == STREAMS
