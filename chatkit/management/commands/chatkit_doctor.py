import json
import sys
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatkit.config import Config
from chatkit.doctor.examination import examine
from chatkit.doctor.findings import Report

EXAMPLE = "use an address such as https://www.example.com/"


class Command(BaseCommand):
    help = "Looks from outside for what would keep the widget from working on a page, and says what to do about it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--site", default="", help="A page that embeds the widget, or is going to.")
        parser.add_argument("--server", default="", help="This server's public address; by default BASE_URL.")
        parser.add_argument("--json", action="store_true", help="The report for programs.")

    def handle(self, *args: Any, site: str, server: str, **options: Any) -> None:
        config: Config = settings.CHATKIT
        report = examine(
            checked("--server", server or config.public_address()).rstrip("/"),
            site=checked("--site", site) if site else "",
            origins=config.cors_origins,
        )
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        else:
            self.show(report)
        sys.exit(0 if report.is_healthy else 1)

    def show(self, report: Report) -> None:
        self.stdout.write(f"{report.server}, as a page on {report.origin} meets it:\n\n")
        paint = {"ok": self.style.SUCCESS, "advice": self.style.WARNING, "problem": self.style.ERROR}
        for result in report.results:
            self.stdout.write(f"  {paint[result.status](result.status.ljust(8))} {result.topic.ljust(8)} {result.seen}")
            for finding in result.findings:
                self.stdout.write(f"{' ' * 11}{finding.problem}\n{' ' * 11}-> {finding.remedy}")
        count = sum(result.status == "problem" for result in report.results)
        self.stdout.write(
            f"\n{'Nothing is wrong.' if not count else f'{count} of {len(report.results)} checks found a problem.'}"
        )


def checked(name: str, address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CommandError(f"{name}: {EXAMPLE}.")
    return parts._replace(netloc=parts.netloc.lower()).geturl()
