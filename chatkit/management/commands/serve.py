import os
import sys
import tempfile
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chatkit import config, preparation, server

NEEDS_REDIS = "REDIS_URL: missing, and several workers need it to reach each other; set it, or use --workers 1."


class Command(BaseCommand):
    help = "Runs ChatKit: checks the configuration, migrates, and serves until SIGTERM or SIGINT."
    # `serve` says what is wrong in its own words, before anything is imported that could fail.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.CHATKIT.host, help="Address to listen on.")
        parser.add_argument("--port", default=settings.CHATKIT.port, type=int, help="Port; 0 picks a free one.")
        parser.add_argument("--workers", default=1, type=int, help="Processes; more than one needs Redis.")
        parser.add_argument("--no-migrate", action="store_true", help="Leave the database as it is.")

    def handle(self, *args: Any, host: str, port: int, workers: int, no_migrate: bool, **options: Any) -> None:
        if workers > 1 and not settings.CHATKIT.redis_url:
            config.stop([NEEDS_REDIS])
        for line in [*config.warnings(settings.CHATKIT), *preparation.diagnostics(settings.CHATKIT)]:
            self.stderr.write(f"chatkit: {line}")
        listener = server.listen(host, port)
        preparation.prepare(migrate=not no_migrate, address=server.address(listener))
        if workers > 1:
            # prometheus-client shares counters between processes through files in this folder.
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="chatkit-metrics-"))
        self.stdout.write(f"ChatKit is ready on {server.address(listener)}")
        self.stdout.flush()
        sys.exit(server.run(listener, workers=max(1, workers)))
