"""What chat announces. Whoever listens is not known here."""

from django.dispatch import Signal

# conversation_id, turn_id: after it was recorded, in the process that answers it and in each that was told.
turn_began = Signal()
# turn, event_type, outcome, principal: sent before the last write of a turn. What receivers return, model instances, is
# committed together with the end of the turn.
turn_ending = Signal()
# turn, event_type: sent after that commit.
turn_finished = Signal()
# chat: somebody keeps a copy.
chat_saved = Signal()
# principal, recommended: how many recommendations they got.
personalized = Signal()
