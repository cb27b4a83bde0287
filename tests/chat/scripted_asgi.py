"""The application with the scripted agent, for other servers than our own."""

import tests.chat.scripted_server  # noqa: F401 - replaces the agent
from chatkit.asgi import application

__all__ = ["application"]
