"""What clients hand in for a turn, read by one rule for HTTP and WebSocket."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.chat.admission import TurnRequest
from chatkit.errors import InvalidRequest

MODES = ("browse", "chat")
LONGEST_ADDRESS = 2_000
# Past this nothing is read any more; the true bound and its message belong to the turn.
LONGEST_TEXT = 200_000
Body = Mapping[str, Any]


class Reader:
    """Reads fields one by one and keeps what is wrong with each, so that a client hears of all at once."""

    def __init__(self, body: Body, path: str = "") -> None:
        self._body, self._path = body, path
        self.problems: dict[str, list[str]] = {}

    def refuse(self, name: str, reason: str) -> None:
        self.problems.setdefault(f"{self._path}{name}", []).append(reason)

    def text(self, name: str, *, is_required: bool = False, longest: int = LONGEST_TEXT) -> str:
        value = self._body.get(name)
        if value is None:
            if is_required:
                self.refuse(name, "This field is required.")
            return ""
        if not isinstance(value, str):
            self.refuse(name, "Must be a text.")
            return ""
        if "\x00" in value:
            self.refuse(name, "Must not contain the NUL character.")
        if len(value) > longest:
            self.refuse(name, f"Must have at most {longest} characters.")
        return value

    def uuid(self, name: str) -> UUID | None:
        value = self._body.get(name)
        if value is None:
            return None
        try:
            return UUID(value)
        except (AttributeError, TypeError, ValueError):
            self.refuse(name, "Must be a UUID.")
            return None

    def whole_number(self, name: str, *, default: int) -> int:
        value = self._body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value < 2**31:
            self.refuse(name, "Must be a whole number from -1.")
            return default
        return int(value)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self._body.get(name)
        if value is None:
            return default
        if value not in choices:
            self.refuse(name, f"Must be one of {', '.join(choices)}.")
            return default
        return str(value)

    def check(self) -> None:
        if self.problems:
            raise InvalidRequest.of(self.problems)


def turn_request(body: object, *, text_name: str) -> TurnRequest:
    """`text_name` is `message` over HTTP and `text` on sockets; all else is the same."""
    if not isinstance(body, Mapping):
        raise InvalidRequest.of({"non_field_errors": ["Must be an object."]})
    fields = Reader(body)
    text = fields.text(text_name, is_required=True)
    conversation_id, client_message_id = fields.uuid("conversation_id"), fields.uuid("client_message_id")
    context = body.get("context") or {}
    if not isinstance(context, Mapping):
        fields.refuse("context", "Must be an object.")
        context = {}
    inner = Reader(context, "context.")
    mode = inner.choice("mode", MODES, "browse")
    selected = inner.text("selected_text")
    page = inner.text("page_url", longest=LONGEST_ADDRESS)
    inner.uuid("session_id")
    fields.problems.update(inner.problems)
    fields.check()
    return TurnRequest(text, conversation_id, client_message_id, mode, selected, page)
