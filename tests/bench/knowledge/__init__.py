"""A documentation of three products, and questions that people might ask about it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PAGES = FOLDER / "pages"


@dataclass(frozen=True)
class Question:
    """`words` uses the page's own words, `paraphrase` somebody's who has not read it."""

    kind: str
    page: str
    text: str

    @property
    def is_held_out(self) -> bool:
        """Half of the questions, by the accident of their hash, are never looked at while tuning."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 2 == 1


def questions() -> list[Question]:
    rows = (FOLDER / "questions.tsv").read_text(encoding="utf-8").splitlines()
    return [Question(*row.split("\t")) for row in rows]
