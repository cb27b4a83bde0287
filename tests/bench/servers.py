"""What turns are measured against: the floor that no framework reaches, and Channels as its documentation shows it.

`python -m tests.bench.servers floor|channels|channels-persistent|stock PORT`
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from tests.bench import stock

TOKENS, PACE = 20, 0.02
READY = '{"type":"session.ready","payload":{}}'
FRAME = '{"type":"runtime_event","event_type":"agent.token","seq":1,"data":{"content":"word "}}'
END = '{"type":"runtime_event","event_type":"agent.completed","seq":21,"data":{}}'


async def floor(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Twenty frames and an end, or a ping sent back: without database, framework or JSON."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": READY})
    while (message := await receive())["type"] == "websocket.receive":
        if '"ping"' in message["text"]:
            await send(message | {"type": "websocket.send"})
            continue
        pause = PACE if "pause" in message["text"] else 0
        for _ in range(TOKENS):
            if pause:
                await asyncio.sleep(pause)
            await send({"type": "websocket.send", "text": FRAME})
        await send({"type": "websocket.send", "text": END})


def documented(*, is_persistent: bool) -> Any:
    """An AsyncJsonWebsocketConsumer with one ORM call a write, as tutorials write it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "chatkit.settings"
    import django
    from django.conf import settings

    if not is_persistent:
        settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
    django.setup()
    from channels.db import database_sync_to_async
    from channels.generic.websocket import AsyncWebsocketConsumer
    from channels.routing import ProtocolTypeRouter

    from apps.accounts.models import Visitor
    from apps.chat.models import Conversation, Message, Turn, TurnEvent
    from apps.throttling import limits

    class Consumer(AsyncWebsocketConsumer):  # type: ignore[misc]
        async def connect(self) -> None:
            self.conversation = await database_sync_to_async(self.begin)()
            await self.accept()
            await self.send(text_data=READY)

        def begin(self) -> Conversation:
            from datetime import timedelta

            from django.utils import timezone

            visitor = Visitor.objects.create(expires_at=timezone.now() + timedelta(days=1))
            return Conversation.objects.create(visitor=visitor)

        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            text = json.loads(text_data or "{}")["payload"]["text"]
            await database_sync_to_async(limits.consume)(f"visitor:{self.conversation.id}", "chat_full")
            question = await database_sync_to_async(Message.objects.create)(
                conversation=self.conversation, role="user", content=text
            )
            reply = await database_sync_to_async(Message.objects.create)(
                conversation=self.conversation, role="assistant", status="writing"
            )
            turn = await database_sync_to_async(Turn.objects.create)(
                conversation=self.conversation, question=question, reply=reply
            )
            for number in range(TOKENS):
                event = {
                    "type": "runtime_event",
                    "event_type": "agent.token",
                    "seq": number,
                    "data": {"content": "word "},
                }
                await database_sync_to_async(TurnEvent.objects.create)(
                    turn=turn, seq=number, event_type="agent.token", body=event["data"]
                )
                await self.send(text_data=json.dumps(event))
            turn.status, reply.status, reply.content = "completed", "complete", "word " * TOKENS
            await database_sync_to_async(turn.save)()
            await database_sync_to_async(reply.save)()
            await self.send(
                text_data=json.dumps({"type": "runtime_event", "event_type": "agent.completed", "data": {}})
            )

    return ProtocolTypeRouter({"websocket": Consumer.as_asgi()})


if __name__ == "__main__":
    kind, port = sys.argv[1], int(sys.argv[2])
    makers: dict[str, Callable[[], Any]] = {
        "floor": lambda: floor,
        "channels": lambda: documented(is_persistent=False),
        "channels-persistent": lambda: documented(is_persistent=True),
        "stock": stock.application,
    }
    uvicorn.run(
        makers[kind](),
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        log_level="error",
        lifespan="on" if kind == "floor" else "off",
    )
