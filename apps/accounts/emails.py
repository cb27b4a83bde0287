"""One spelling an address: what is stored, looked up and counted."""

from contextlib import suppress

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LONGEST = 254


def fold_email(email: str) -> str:
    """Lower case, and the domain as the mail system writes it: `Anna@Bücher.example` is one account in any spelling."""
    local, at, domain = email.strip().lower().rpartition("@")
    # Where it is no domain at all, validation says so.
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    return f"{local}{at}{domain}"


def is_email(folded: str) -> bool:
    try:
        validate_email(folded)
    except ValidationError:
        return False
    return len(folded) <= LONGEST
