"""`manage.py serve` as its owner has it: without what only the suite's packages bring along and others then import."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["DJANGO_SETTINGS_MODULE"] = "chatkit.settings"
# Django REST framework and structlog use them where they find them.
sys.modules.update(dict.fromkeys(("requests", "pygments", "rich")))  # type: ignore[arg-type]

from django.core.management import execute_from_command_line  # noqa: E402 - the rest comes after

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
