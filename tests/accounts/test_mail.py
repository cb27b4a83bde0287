"""Mail over a real SMTP server: text and HTML, beside the request, tried again, and no token in any log."""

import email
import logging
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_django import Settings

from apps.accounts import mail
from apps.accounts.models import User
from tests.accounts.conftest import PASSWORD, Api
from tests.services import free_port, wait_until

pytestmark = pytest.mark.django_db
CODE = re.compile(r"ckm_[\w-]{43}")


class Postbox:
    """Keeps what arrives, after refusing as often as it was told to."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refusals = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusals:
            self.refusals -= 1
            return "451 Come back later"
        self.letters.append(email.message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        self.recipients.append(envelope.rcpt_tos)
        return "250 Taken"


@pytest.fixture
def postbox(settings: Settings) -> Iterator[Postbox]:
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.EMAIL_USE_TLS = False
    yield box
    mail.settle()
    controller.stop()


def sign_up(api: Api) -> None:
    api.post("/auth/signup", {"email": "carol@example.com", "consent_data_storage": True})


def test_the_mail_arrives_as_text_and_html_with_link_and_code(api: Api, postbox: Postbox) -> None:
    sign_up(api)
    wait_until(lambda: bool(postbox.letters), "the mail arrives")
    letter = postbox.letters[0]
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    code = CODE.findall(text.get_content())[-1]
    assert f"/verify?token={code}" in text.get_content()
    assert f'href="http://127.0.0.1:8000/verify?token={code}"' in html.get_content()
    assert postbox.recipients == [["carol@example.com"]]
    assert api.post("/auth/verify", {"token": code}).status == 200


def test_a_mail_server_that_refuses_is_asked_again(api: Api, postbox: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "RETRY_AFTER", (0.0, 0.0))
    postbox.refusals = 2
    sign_up(api)
    wait_until(lambda: bool(postbox.letters), "the third attempt arrives")


def test_a_mail_server_that_is_gone_costs_neither_request_nor_account(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mail, "RETRY_AFTER", ())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    person = {"email": "dora@example.com", "password": PASSWORD, "name": "Dora"}
    with caplog.at_level(logging.INFO):
        assert api.post("/auth/register", person).status == 200
        mail.settle()
    assert User.objects.filter(email="dora@example.com").exists()
    assert "mail_given_up" in caplog.text


def test_no_log_line_holds_the_code_or_the_password(
    api: Api, postbox: Postbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        api.post("/auth/register", {"email": "dora@example.com", "password": PASSWORD, "name": "Dora"})
        sign_up(api)
        wait_until(lambda: len(postbox.letters) == 2, "both mails arrive")
    chatkit = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail.log"))
    assert CODE.search(chatkit) is None
    assert PASSWORD not in chatkit
