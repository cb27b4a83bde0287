"""The production server: uvicorn with uvloop, one process or several, and an orderly end."""

import signal
import socket
from typing import Any

import uvicorn
from django.conf import settings
from uvicorn.supervisors import multiprocess

from chatkit import config, housekeeping

APPLICATION = "chatkit.asgi:application"
BACKLOG = 2048
LARGEST_FRAME = 1024 * 1024


def listen(host: str, port: int) -> socket.socket:
    """Opened before anything slow happens, so that a taken port is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as exc:
        reason = (exc.strerror or "cannot be used").lower()
        config.stop([f"PORT: {host}:{port}: {reason}; choose another with --host and --port."])
    listener.set_inheritable(True)
    return listener


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def run(listener: socket.socket, *, workers: int) -> int:
    """Serves until SIGTERM or SIGINT; 0 after an orderly end."""
    options = uvicorn.Config(APPLICATION, workers=workers, **uvicorn_options())
    listener.listen(BACKLOG)
    # uvicorn repeats the signal once it has stopped; by then there is nothing left to do.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if workers > 1:
        # The supervisor names its kind of process by this global, and offers no other way to choose it.
        multiprocess.Process = Worker  # type: ignore[misc]
        multiprocess.Multiprocess(options, sockets=[listener]).run()
        return 0
    server = Server(options)
    server.run(sockets=[listener])
    return 0 if server.started else 1


class Server(uvicorn.Server):
    """Lets what runs finish before connections are closed; uvicorn by itself would cut it."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await housekeeping.wind_down()
        await super().shutdown(sockets)


class Worker(multiprocess.Process):
    """A process of several, running our server."""

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = Server(config=self.config)
        return self._server


def uvicorn_options() -> dict[str, Any]:
    return {
        "loop": "uvloop",
        "http": "httptools",
        "ws": "websockets-sansio",
        "ws_max_size": LARGEST_FRAME,
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        # Whose headers to believe is TRUSTED_PROXIES' decision, and ChatKit makes it for every server alike.
        "proxy_headers": False,
        "server_header": False,
        "timeout_graceful_shutdown": settings.CHATKIT.shutdown_grace,
    }
