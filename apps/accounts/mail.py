"""Mail: text and HTML, sent beside the request and tried again. No failure here costs an account or a request."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from chatkit.logging import get_logger

log = get_logger(__name__)

RETRY_AFTER = (2.0, 15.0, 60.0)
_post = ThreadPoolExecutor(2, thread_name_prefix="mail")
_under_way: set[Future[None]] = set()


def send_verification(to: str, *, raw: str, minutes: int, purpose: str) -> None:
    link = f"{settings.CHATKIT.base_url}/verify?{urlencode({'token': raw})}"
    context = {"link": link, "code": raw, "minutes": minutes, "purpose": purpose}
    send("verification", "Confirm your e-mail address", to, context)


def send_known_address(to: str) -> None:
    """Somebody tried to register an address that has an account; only its owner may learn so."""
    send("known_address", "You already have an account", to, {"base_url": settings.CHATKIT.base_url})


def send(template: str, subject: str, to: str, context: dict[str, Any]) -> None:
    hand_over(compose(template, subject, to, context), kind=template, attempt=0)


def compose(template: str, subject: str, to: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    text = render_to_string(f"mail/{template}.txt", context)
    message = EmailMultiAlternatives(subject, text, to=[to])
    message.attach_alternative(render_to_string(f"mail/{template}.html", context), "text/html")
    return message


def hand_over(message: EmailMultiAlternatives, *, kind: str, attempt: int) -> None:
    try:
        job = _post.submit(deliver, message, kind, attempt)
    except RuntimeError:
        log.warning("mail_dropped_at_shutdown", kind=kind)
        return
    _under_way.add(job)
    job.add_done_callback(_under_way.discard)


def deliver(message: EmailMultiAlternatives, kind: str, attempt: int) -> None:
    try:
        message.send()
        log.info("mail_sent", kind=kind, attempt=attempt)
    except Exception as exc:  # however it fails; its answer may quote the mail, so only the name is kept
        log.warning("mail_failed", kind=kind, attempt=attempt, reason=type(exc).__name__)
        retry(message, kind, attempt)


def retry(message: EmailMultiAlternatives, kind: str, attempt: int) -> None:
    if attempt >= len(RETRY_AFTER):
        log.error("mail_given_up", kind=kind)
        return
    later = threading.Timer(RETRY_AFTER[attempt], hand_over, [message], {"kind": kind, "attempt": attempt + 1})
    later.daemon = True
    later.start()


def settle(seconds: float = 10.0) -> None:
    """Returns when what was handed over has been tried, for callers who want to see it delivered."""
    wait_for(list(_under_way), seconds)
