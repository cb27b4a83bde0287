"""Anthropic's models on Amazon Bedrock: signed requests, answered by event-stream frames that carry checksums."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer, ParserError
from botocore.session import Session
from yarl import URL

from apps.gateway import messages
from apps.gateway.failures import Failure, Kind, refused
from apps.gateway.protocol import Pieces, Request
from apps.gateway.transport import KEPT_SECONDS, MOST_CONNECTIONS, log
from chatkit.config import Config, ConfigurationError

VERSION = "bedrock-2023-05-31"
SERVICE = "bedrock"
NO_CREDENTIALS = (
    "AWS_BEARER_TOKEN_BEDROCK: missing, and AWS knows no other credentials of this machine; set it, "
    "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)


class Bedrock:
    name = "bedrock"

    def __init__(self, config: Config) -> None:
        self.model = config.model
        self._region = config.aws_region
        self._token = config.aws_bearer_token_bedrock
        self._credentials = None if self._token else credentials(config)
        self._connect_seconds = config.agent_connect_timeout
        self._base = config.bedrock_base_url or address_of(config.aws_region)
        self._url = f"{self._base}/model/{quote(config.model, safe='')}/invoke-with-response-stream"
        self._session: aiohttp.ClientSession | None = None

    async def stream(self, request: Request) -> Pieces:
        async with aclosing(self._events(request)) as events, aclosing(messages.pieces_of(events)) as pieces:
            async for piece in pieces:
                yield piece

    async def _events(self, request: Request) -> AsyncGenerator[messages.Event]:
        body = json.dumps({**messages.body_of(request), "anthropic_version": VERSION}).encode()
        # Signing computes, and the credentials of a machine are fetched anew now and then.
        headers = await asyncio.to_thread(self._headers, body)
        lost = Kind.UNREACHABLE
        try:
            asking = self._connected().post(self._address(), data=body, headers=headers, allow_redirects=False)
            async with asking as response:
                if response.status != 200:
                    raise refusal(response)
                lost = Kind.CUT
                async for event in events_of(response.content):
                    yield event
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise Failure(lost) from exc

    def _headers(self, body: bytes) -> dict[str, str]:
        plain = {"Content-Type": "application/json", "Accept": "application/vnd.amazon.eventstream"}
        if self._token is not None:
            return {**plain, "Authorization": f"Bearer {self._token.get_secret_value()}"}
        signed = AWSRequest("POST", self._url, headers=plain, data=body)
        SigV4Auth(self._credentials, SERVICE, self._region).add_auth(signed)
        return dict(signed.headers.items())

    def _address(self) -> URL:
        # The signature covers the address as it is written; a colon must stay quoted.
        return URL(self._url, encoded=True)

    def _connected(self) -> aiohttp.ClientSession:
        """Made at the first use, because it belongs to the running loop."""
        if self._session is None:
            patience = aiohttp.ClientTimeout(None, connect=self._connect_seconds, sock_connect=self._connect_seconds)
            connector = aiohttp.TCPConnector(limit=MOST_CONNECTIONS, keepalive_timeout=KEPT_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, timeout=patience, trust_env=True)
        return self._session

    async def warm(self) -> None:
        """Name, connection and TLS, without credentials; the answer does not matter."""
        try:
            async with self._connected().head(self._base):
                pass
        except (aiohttp.ClientError, TimeoutError, OSError):
            log.warning("provider_not_reached", host=URL(self._base).host)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def address_of(region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{suffix}"


def credentials(config: Config) -> Any:
    """The two keys of the settings, else what AWS's own chain finds: profiles, containers, machines with a role."""
    key, secret, token = config.aws_access_key_id, config.aws_secret_access_key, config.aws_session_token
    if key and secret:
        return Credentials(key.get_secret_value(), secret.get_secret_value(), token and token.get_secret_value())
    found = Session().get_credentials()
    if found is None:
        raise ConfigurationError([NO_CREDENTIALS])
    return found


async def events_of(content: aiohttp.StreamReader) -> AsyncGenerator[messages.Event]:
    """Anthropic's events out of the frames, each of which is checked before it is believed."""
    frames = EventStreamBuffer()
    async for data in content.iter_any():
        frames.add_data(data)
        try:
            for frame in frames:
                yield event_of(frame.to_response_dict())
        except (ParserError, KeyError, TypeError, ValueError) as exc:
            raise Failure(Kind.MALFORMED) from exc


def event_of(frame: Mapping[str, Any]) -> messages.Event:
    headers = frame["headers"]
    if headers.get(":message-type") != "event":
        raise refused(200, error_type=headers.get(":exception-type") or headers.get(":error-code"))
    event: messages.Event = json.loads(b64decode(json.loads(frame["body"])["bytes"]))
    return event


def refusal(response: aiohttp.ClientResponse) -> Failure:
    name = response.headers.get("x-amzn-errortype", "").partition(":")[0]
    request_id = response.headers.get("x-amzn-requestid")
    return refused(response.status, error_type=name, headers=response.headers, request_id=request_id)


connect = Bedrock
