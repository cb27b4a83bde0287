"""What daphne leaves to the application: waiting for slow readers. uvicorn makes a sender wait by itself."""

from typing import Any


def transport_of(send: object) -> Any:
    """Twisted's transport behind daphne's `send`, a partial of its protocol; None on every other server."""
    found = (getattr(argument, "transport", None) for argument in getattr(send, "args", ()))
    return next((transport for transport in found if hasattr(transport, "_tempDataLen")), None)


def unsent_bytes(transport: Any) -> int:
    """What the client has not taken yet, in the two buffers that Twisted keeps."""
    return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)
