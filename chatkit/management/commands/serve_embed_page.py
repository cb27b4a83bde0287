from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatkit.embedding import Site, page_for

PORT = 3000


class Command(BaseCommand):
    help = "Serves a small page on another origin that embeds the widget, as your site will. Stop with Ctrl+C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on.")
        parser.add_argument("--port", default=PORT, type=int, help="Port; 0 picks a free one.")
        parser.add_argument("--server", default="", help="The chat server's address; by default BASE_URL.")

    def handle(self, *args: Any, host: str, port: int, server: str, **options: Any) -> None:
        files = page_for((server or settings.CHATKIT.public_address()).rstrip("/"))
        try:
            site = Site(files, host=host, port=port)
        except (OSError, OverflowError) as exc:
            raise CommandError(f"--port: {host}:{port} cannot be used; choose another.") from exc
        self.stdout.write(f"The page is on {site.url}")
        if site.url not in settings.CHATKIT.cors_origins:
            self.stdout.write(f"ChatKit must list its origin: CORS_ORIGINS={site.url}")
        self.stdout.flush()
        try:
            site.serve_forever()
        except KeyboardInterrupt:
            self.stdout.write("")
        finally:
            site.server_close()
