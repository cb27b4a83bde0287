"""What limits announce. Receivers must not block: the caller, or a transaction, is waiting."""

from django.dispatch import Signal

# allowance, subject: somebody was refused. `subject` may name a person or an address.
limit_reached = Signal()
