#!/usr/bin/env python
"""ChatKit's command line: `python manage.py serve` runs the server, `python manage.py help` lists the rest."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatkit.settings")
    execute_from_command_line(sys.argv)
