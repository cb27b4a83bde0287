"""`manage.py serve`, with a circuit breaker that rests as long as a test says: the rules are the same."""

import os
import sys
from pathlib import Path

import django
from django.core.management import execute_from_command_line

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["DJANGO_SETTINGS_MODULE"] = "chatkit.settings"
django.setup()

from apps.gateway import breaker  # noqa: E402 - apps must be ready first

if "CHATKIT_TEST_REST" in os.environ:
    breaker.REST_SECONDS = float(os.environ["CHATKIT_TEST_REST"])
if "CHATKIT_TEST_FAULTS" in os.environ:
    breaker.MOST_FAULTS = int(os.environ["CHATKIT_TEST_FAULTS"])

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
