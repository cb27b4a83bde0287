from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.analytics import rollup
from apps.analytics.periods import Period


class Command(BaseCommand):
    help = "Adds up the days that are over, as the server does by itself every few minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--again",
            nargs=2,
            type=date.fromisoformat,
            metavar=("FIRST", "LAST"),
            help="Add these days up anew, from the rows that are still there: what was deleted since counts no more.",
        )

    def handle(self, *args: Any, again: list[date] | None, **options: Any) -> None:
        days = 0 if again is None else self.roll_again(*again)
        days += rollup.catch_up()
        self.stdout.write(f"{days} days added up.")

    def roll_again(self, first: date, last: date) -> int:
        days = list(Period(first, last).days()) if first <= last else []
        if not days or not rollup.is_over(last):
            raise CommandError("--again takes the first and the last of some days that are over.")
        for day in days:
            rollup.roll(day)
        return len(days)
