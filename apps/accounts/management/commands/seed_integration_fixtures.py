from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chatkit import config, seeding


class Command(BaseCommand):
    help = "Puts the fixtures of integration test mode as they were on the first day. Any number of times."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CHATKIT.integration_test_mode:
            config.stop([seeding.NOT_IN_TEST_MODE])
        self.stdout.write("Integration test fixtures are ready:")
        for line in seeding.seed(settings.CHATKIT):
            self.stdout.write(f"  {line}")
