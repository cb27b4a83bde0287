"""Citations in an answer, checked as it streams: a number that names no passage is dropped with the space before it."""

import re

PIECE = re.compile(r"(?P<ticks>`+)|(?P<mark> {0,3}\[(?P<numbers>[0-9][0-9, ]{0,20})\](?!\())|(?P<paragraph>\n[ \t]*\n)")
# What may still become one of these with the next piece of text, and has to wait for it.
UNFINISHED = re.compile(r"(?:`+| {0,3}\[[0-9, ]{0,21}\]?|\n[ \t]*| {1,3})$")


class Markers:
    """Code is left alone: `list[7]` in an example cites nothing."""

    def __init__(self, known: int) -> None:
        self._known = known
        self._held = ""
        # The backticks that code began with.
        self._fence = ""

    def feed(self, text: str) -> str:
        """As much of the text so far as is certain."""
        text = self._held + text
        unfinished = UNFINISHED.search(text)
        cut = unfinished.start() if unfinished else len(text)
        self._held = text[cut:]
        return self._checked(text[:cut])

    def rest(self) -> str:
        """What waited for more text, when there is no more."""
        held, self._held = self._held, ""
        return self._checked(held)

    def _checked(self, text: str) -> str:
        return PIECE.sub(self._piece, text)

    def _piece(self, match: re.Match[str]) -> str:
        if ticks := match["ticks"]:
            self._see_ticks(ticks)
        elif match["paragraph"] and len(self._fence) < 3:
            # A backtick without its partner is only a backtick.
            self._fence = ""
        elif match["mark"] and not self._fence:
            return self._mark(match)
        return match[0]

    def _see_ticks(self, ticks: str) -> None:
        if not self._fence:
            self._fence = ticks
        elif ticks == self._fence or (len(self._fence) >= 3 and len(ticks) >= len(self._fence)):
            self._fence = ""

    def _mark(self, match: re.Match[str]) -> str:
        numbers = [part.strip() for part in match["numbers"].split(",")]
        valid = [number for number in numbers if number.isdigit() and 1 <= int(number) <= self._known]
        if len(valid) == len(numbers):
            return match[0]
        spaces = match[0][: match[0].index("[")]
        return f"{spaces}[{', '.join(valid)}]" if valid else ""
