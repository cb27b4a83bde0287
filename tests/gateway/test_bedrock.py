"""What only Bedrock has: checksums, exceptions as frames, signatures, regions."""

import re
from contextlib import aclosing

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from apps.gateway.bedrock import address_of
from apps.gateway.choice import Chosen, connect
from apps.gateway.failures import Failure, Kind
from chatkit.config import Config
from tests.gateway.conftest import KEY, QUESTION
from tests.gateway.fakes import TEXTS, Fake, Received
from tests.gateway.test_wire import answer, failure

PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123"


@pytest.fixture(scope="module")
def name() -> str:
    return "bedrock"


def signing(fake: Fake, **more: str) -> Chosen:
    keys = {"aws_access_key_id": "key-id", "aws_secret_access_key": KEY, "aws_session_token": f"{KEY}-session"}
    address = {"aws_region": "eu-central-1", "bedrock_base_url": fake.url}
    return connect(Config(agent="bedrock", **keys, **address, **more))


def signature_of(received: Received, fake: Fake) -> str:
    """What AWS would compute from what arrived."""
    signed = re.search(r"SignedHeaders=([^,]+)", received.headers["authorization"])
    assert signed is not None
    headers = {name: received.headers[name] for name in signed[1].split(";") if not name.startswith("x-amz-")}
    request = AWSRequest("POST", f"{fake.url}{received.path}", headers=headers, data=received.raw)
    request.context["timestamp"] = received.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("key-id", KEY, f"{KEY}-session"), "bedrock", "eu-central-1")
    request.headers["X-Amz-Date"] = received.headers["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = received.headers["x-amz-security-token"]
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


async def test_a_frame_that_was_damaged_on_its_way_is_not_believed(provider: Chosen, fake: Fake) -> None:
    fake.play(end="broken_frame")
    found, texts = await failure(provider)
    assert (found.kind, texts) == (Kind.MALFORMED, list(TEXTS))


@pytest.mark.parametrize(
    ("exception", "kind"),
    [
        ("throttlingException", Kind.RATE_LIMITED),
        ("validationException", Kind.REQUEST_REFUSED),
        ("modelTimeoutException", Kind.OVERLOADED),
        ("internalServerException", Kind.OVERLOADED),
    ],
)
async def test_exceptions_arrive_as_frames(provider: Chosen, fake: Fake, exception: str, kind: Kind) -> None:
    fake.play(end="error", error_type=exception)
    found, texts = await failure(provider)
    assert (found.kind, found.error_type, texts) == (kind, exception, list(TEXTS))


@pytest.mark.parametrize("model", ["", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", PROFILE])
async def test_the_signature_is_the_one_that_aws_computes(fake: Fake, model: str) -> None:
    provider = signing(fake, agent_model=model)
    assert (await answer(provider))[0] == list(TEXTS)
    received = fake.questions[0]
    assert received.headers["authorization"].endswith(f"Signature={signature_of(received, fake)}")
    assert received.headers["x-amz-security-token"] == f"{KEY}-session"
    await provider.provider.close()


async def test_the_model_and_the_version_are_where_bedrock_wants_them(provider: Chosen, fake: Fake) -> None:
    await answer(provider)
    received = fake.questions[0]
    model = "global.anthropic.claude-haiku-4-5-20251001-v1%3A0"
    assert received.path == f"/model/{model}/invoke-with-response-stream"
    assert received.body["anthropic_version"] == "bedrock-2023-05-31"
    assert "model" not in received.body
    assert received.headers["authorization"] == f"Bearer {KEY}"


async def test_its_own_name_of_a_refusal_is_logged(provider: Chosen, fake: Fake) -> None:
    fake.play(status=403, headers={"x-amzn-ErrorType": "AccessDeniedException:http://internal.amazon.com/"})
    with pytest.raises(Failure) as found:
        async with aclosing(provider.ask(QUESTION)) as pieces:
            await anext(pieces)
    assert found.value.details()["error_type"] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-central-1", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_each_region_has_its_address(region: str, address: str) -> None:
    assert address_of(region) == address
