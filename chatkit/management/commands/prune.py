from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from chatkit import retention


class Command(BaseCommand):
    help = "Deletes what has expired. Safe at any time and any number of times; the server does it hourly by itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count only, delete nothing.")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        verb = "would be deleted" if dry_run else "deleted"
        for name, rows in retention.prune(dry_run=dry_run):
            self.stdout.write(f"{rows:>8}  {name} {verb}")
