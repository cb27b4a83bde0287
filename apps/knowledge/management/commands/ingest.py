import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.knowledge import watching
from apps.knowledge.ingest import Report, ingest
from apps.knowledge.readers import Unreadable

WIDTH = 30


class Command(BaseCommand):
    help = "Reads documents for the assistant: folders, files, addresses and sitemaps. Unchanged ones are skipped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sources", nargs="+", metavar="PATH|URL|SITEMAP", help="What to read.")
        parser.add_argument("--site-url", default="", help="Where the site serves the folder, for links to its pages.")
        parser.add_argument("--prune", action="store_true", help="Delete documents whose source has vanished.")
        parser.add_argument("--watch", action="store_true", help="Keep running, and read again what changes.")

    def handle(
        self, *args: Any, sources: Sequence[str], site_url: str, prune: bool, watch: bool, **options: Any
    ) -> None:
        report = self.read(sources, site_url, prune)
        if watch:
            self.keep_watching(sources, site_url, prune)
        elif report.problems and not (report.has_changed or report.unchanged):
            raise CommandError("Nothing could be read.")

    def read(self, sources: Sequence[str], site_url: str, prune: bool) -> Report:
        started = time.monotonic()
        try:
            report = ingest(sources, site_url=site_url, prune=prune, progress=self.progress)
        except Unreadable as exc:
            raise CommandError(f"--site-url: {exc.message}.") from exc
        for problem in report.problems:
            self.stderr.write(f"{problem.source}: {problem.reason}.")
        self.stdout.write(f"{summary(report)} in {time.monotonic() - started:.1f} s.")
        return report

    def keep_watching(self, sources: Sequence[str], site_url: str, prune: bool) -> None:
        self.stdout.write("Watching for changes; stop with Ctrl+C.")
        try:
            for _ in watching.changes(sources):
                self.read(sources, site_url, prune)
        except KeyboardInterrupt:
            self.stdout.write("")

    def progress(self, done: int, total: int, name: str) -> None:
        """A bar for people; nothing where the output goes into a file."""
        if not sys.stderr.isatty() or not total:
            return
        filled = WIDTH * done // total
        line = f"{'█' * filled}{'░' * (WIDTH - filled)} {done}/{total} {name[-40:]}" if name else ""
        # Back to the start of the line, and clear the rest of it.
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()


def summary(report: Report) -> str:
    counts = {
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "with problems": len(report.problems),
    }
    told = [f"{count} {name}" for name, count in counts.items() if count]
    return f"Documents: {', '.join(told) or 'none'}"
