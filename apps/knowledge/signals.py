"""What knowledge tells others."""

from django.dispatch import Signal

# Sent after the commit, with `added`, `changed` and `removed`: how many documents.
documents_changed = Signal()
