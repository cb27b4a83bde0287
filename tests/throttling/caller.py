"""A process that knows nothing of others but the database: `python -m tests.throttling.caller SUBJECT LIMIT CALLS`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatkit.settings")
django.setup()

from apps.throttling.limits import consume  # noqa: E402 - apps must be ready first

if __name__ == "__main__":
    subject, name, calls = sys.argv[1:]
    sys.stdin.readline()  # the starting shot
    print(sum(consume(subject, name).is_allowed for _ in range(int(calls))))
