"""Where sockets live."""

from typing import Any

from apps.chat.consumers import ChatConsumer
from chatkit.handler import Receive, Send, refuse_socket

ADDRESSES = frozenset({"/ws", "/ws/chat", "/ws/agent"})

chat = ChatConsumer.as_asgi()


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    lives_here = scope["path"].rstrip("/") in ADDRESSES
    await (chat if lives_here else refuse_socket)(scope, receive, send)
