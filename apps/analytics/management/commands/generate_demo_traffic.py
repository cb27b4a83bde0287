import math
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.analytics.demo import store
from apps.analytics.demo.traffic import Traffic
from apps.knowledge.ingest import ingest_own_documents
from apps.knowledge.models import Document

MOST_DAYS = 400


def number_of_days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise ArgumentTypeError(f"must be a whole number from 1 to {MOST_DAYS}")
    return int(text)


def size(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 < scale <= 100:
        raise ArgumentTypeError("must be a number above 0, up to 100")
    return scale


class Command(BaseCommand):
    help = "Fills the reports with visitors who never were: a plausible week, the same for the same seed and day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=number_of_days, default=7, help="How many days, of which today is the last.")
        parser.add_argument("--seed", type=int, default=1, help="Another seed tells another story.")
        parser.add_argument("--scale", type=size, default=1.0, help="How busy the site is; 1 is some hundred visitors.")
        parser.add_argument("--clear", action="store_true", help="Take the demo traffic out, and put none in.")
        parser.add_argument("--yes", action="store_true", help="Do it in production too.")

    def handle(self, *args: Any, days: int, seed: int, scale: float, clear: bool, yes: bool, **options: Any) -> None:
        if settings.CHATKIT.is_production and not yes:
            raise CommandError("Demo traffic would mix with your visitors'. Add --yes if that is what you want.")
        removed = store.clear()
        if removed or clear:
            self.stdout.write(f"Took out {removed} rows of earlier demo traffic.")
        if clear:
            return
        if not Document.objects.exists():
            ingest_own_documents()
        rows = Traffic(seed=seed, scale=scale, until=timezone.now()).generate(days)
        store.write(rows)
        self.stdout.write(
            f"{len(rows.visitors)} visitors, {len(rows.turns)} turns, {len(rows.users)} sign-ups and "
            f"{len(rows.events)} events in {days} days. `--clear` takes them out again."
        )
