from tests.chat.conftest import start_scripted as start_scripted  # noqa: PLC0414 - a fixture, taken over
