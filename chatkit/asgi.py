"""The ASGI application that every server runs: `manage.py serve`, uvicorn or daphne."""

import gc
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatkit.settings")
django.setup()

from channels.layers import get_channel_layer  # noqa: E402 - apps must be ready first
from django.core.cache import caches  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from chatkit import routing  # noqa: E402
from chatkit.handler import Application  # noqa: E402
from chatkit.preparation import connect_provider, seed_once  # noqa: E402


def settle_in() -> None:
    """What would otherwise make the first requests slow, and every full garbage collection too."""
    get_resolver()._populate()
    caches["default"]
    get_channel_layer()
    connect_provider()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


application = Application(websocket=routing.application)
seed_once()
settle_in()
