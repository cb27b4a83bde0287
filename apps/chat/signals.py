"""What chat announces. Whoever listens is not known here."""

from django.dispatch import Signal

# turn, status, usage: sent before the last write of a turn. What receivers return, model instances, is committed
# together with the end of the turn.
turn_ending = Signal()
# turn, status: sent after that commit.
turn_finished = Signal()
