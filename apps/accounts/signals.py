"""What accounts announce. Sent after the commit, from whichever thread did the work: receivers must not block."""

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

signup = Signal()  # user, method ("email" or "password"), address
login = Signal()  # likewise
logout = Signal()  # principal, everywhere
email_verified = Signal()  # user
anonymous_to_authenticated = Signal()  # user, visitor, moved
auth_failed = Signal()  # email, reason, address
account_deleted = Signal()  # user_id, email
# revocation: a `Revocation`. Sent in every process, also for what another process revoked.
credentials_revoked = Signal()
# user_id: tier, roles or name are other than before, and credentials stay good. Sent in every process.
principal_changed = Signal()


def announce(signal: Signal, **facts: Any) -> None:
    """After the commit; a receiver that fails is logged and fails nobody else."""
    transaction.on_commit(partial(signal.send_robust, sender=None, **facts))
