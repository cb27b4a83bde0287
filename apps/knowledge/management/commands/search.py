import shutil
import textwrap
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.knowledge.models import Passage
from apps.knowledge.search import Found, search

FULL_BAR = 10


class Command(BaseCommand):
    help = "Shows which passages a question finds, best first, with scores from 0 to 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question", nargs="+", help="A question, with or without quotation marks.")
        parser.add_argument("--limit", type=int, default=5, help="Most results to show.")
        parser.add_argument("--all-passages", action="store_true", help="Several passages of a page, not its best one.")

    def handle(self, *args: Any, question: list[str], limit: int, all_passages: bool, **options: Any) -> None:
        found = search(" ".join(question), limit=max(1, limit), passages_per_page=limit if all_passages else 1)
        for number, row in enumerate(found, 1):
            self.stdout.write(shown(number, row))
        if not found:
            self.stdout.write("Nothing found." if Passage.objects.exists() else "Nothing is ingested yet.")


def shown(number: int, row: Found) -> str:
    bar = "■" * round(FULL_BAR * row.score) + "·" * (FULL_BAR - round(FULL_BAR * row.score))
    lines = [f"{number}. {row.score:.2f} {bar}  {row.title}"]
    indent = "   "
    if row.url:
        lines.append(f"{indent}{row.url}")
    width = min(100, shutil.get_terminal_size().columns)
    lines.append(textwrap.fill(row.excerpt, width, initial_indent=indent, subsequent_indent=indent))
    return "\n".join(lines) + "\n"
