import json
import os
import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatkit import headless

PATIENCE = 120.0


class Command(BaseCommand):
    help = "Opens the harness in a headless browser and prints its verdict; exit code 0 when all is green, else 1."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="", help="A server in integration test mode; by default one of its own.")
        chromium = os.environ.get("CHROMIUM_PATH", "")
        parser.add_argument("--chromium", default=chromium, help="The browser; by default CHROMIUM_PATH, or one found.")
        parser.add_argument("--timeout", default=PATIENCE, type=float, help="Seconds that the whole page may take.")
        parser.add_argument("--json", action="store_true", help="The verdict for programs.")

    def handle(self, *args: Any, url: str, chromium: str, timeout: float, **options: Any) -> None:
        if url and not url.startswith(("http://", "https://")):
            raise CommandError("--url: use an address such as http://127.0.0.1:8000")
        try:
            browser = headless.find_chromium(chromium)
            with nullcontext(url.rstrip("/")) if url else headless.temporary_server() as server:
                outcome = headless.examine(f"{server}/harness/", chromium=browser, patience=timeout)
        except headless.CannotRun as exc:
            raise CommandError(str(exc)) from exc
        if options["json"]:
            self.stdout.write(json.dumps(seen(outcome), indent=2))
        else:
            self.show(outcome)
        sys.exit(0 if outcome.is_green else 1)

    def show(self, outcome: headless.Outcome) -> None:
        for check in outcome.result.get("checks", ()):
            self.row(check["title"], check["status"], check["message"], check["milliseconds"] / 1000)
        for step in outcome.result.get("sequence", ()):
            self.row(f"Event {step['event']}", "green" if step["seen"] else "red", "")
        for title, found in (("Browser console", outcome.complaints), ("Own origin only", outcome.foreign)):
            self.row(title, "red" if found else "green", "; ".join(found))
        verdict = "green" if outcome.is_green else "red"
        self.stdout.write(f"\nThe verdict is {self.paint(verdict)(verdict)}.")

    def row(self, title: str, status: str, message: str, seconds: float | None = None) -> None:
        took = "" if seconds is None else f"{seconds:.1f} s"
        self.stdout.write(
            f"{title.ljust(28)} {self.paint(status)(status.ljust(7))} {took.rjust(7)}  {message}".rstrip()
        )

    def paint(self, status: str) -> Any:
        return {"green": self.style.SUCCESS, "red": self.style.ERROR}.get(status, self.style.WARNING)


def seen(outcome: headless.Outcome) -> dict[str, Any]:
    verdict = "green" if outcome.is_green else "red"
    return {**outcome.result, "verdict": verdict, "console": outcome.complaints, "foreign_requests": outcome.foreign}
