"""What the owner sees of it: the admin tells what each answer cost, and nothing shows a key."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Watched, browser, context, watched  # noqa: F401 - fixtures
from tests.chat.clients import CALLERS, Refused, new_caller
from tests.gateway.conftest import GENEROUS, KEY, environment_of
from tests.gateway.fakes import Fake
from tests.leaks import CANARY
from tests.live import LiveServer, run_manage

pytestmark = pytest.mark.browser
OWNER = {"DJANGO_SUPERUSER_EMAIL": "owner@example.com", "DJANGO_SUPERUSER_PASSWORD": f"{CANARY}-Owner-1"}


@pytest.fixture(scope="module")
def name() -> str:
    return "anthropic"


@pytest.fixture
def site(fake: Fake, tmp_path: Path) -> object:
    with LiveServer(tmp_path, **GENEROUS, **environment_of("anthropic", fake)) as server:
        run_manage("createsuperuser", "--noinput", environment={**server.settings, **OWNER}).check_returncode()
        yield server


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/login/")
    page.fill("#id_username", OWNER["DJANGO_SUPERUSER_EMAIL"])
    page.fill("#id_password", OWNER["DJANGO_SUPERUSER_PASSWORD"])
    page.click("[type=submit]")


def test_the_admin_tells_what_each_answer_cost_and_no_key(site: LiveServer, fake: Fake, watched: Watched) -> None:  # noqa: F811
    caller = new_caller(CALLERS["json"], site.url)
    answered = caller.ask("How do I set a limit?")
    fake.play(status=401, error_type="authentication_error")
    caller.ask("And another?", conversation_id=answered.conversation_id)
    fake.play(end="cut")
    with pytest.raises(Refused):
        caller.ask("And a third?", conversation_id=answered.conversation_id)
    page = watched.page
    sign_in(page, site.url)
    page.goto(f"{site.url}/admin/chat/conversation/{answered.conversation_id}/change/")
    shown = page.inner_text("#content")
    assert "provider anthropic" in shown
    assert "model claude-haiku-5-5" in shown
    assert "tokens 40 in, 4 out, 100 from cache, 7 to cache" in shown
    assert "the local agent answered" in shown
    assert "key_refused" in shown
    assert "runtime_unavailable" in shown
    places = ["chat/turn/", f"chat/turn/{answered.turn_id}/change/", "", "gateway/siteinstructions/add/"]
    for place in places:
        page.goto(f"{site.url}/admin/{place}")
        assert KEY not in page.content()
    assert KEY not in httpx.get(f"{site.url}/health?check=all").text
    assert watched.complaints == []
    caller.close()


def test_new_instructions_reach_the_model_with_the_next_question(
    site: LiveServer,
    fake: Fake,
    watched: Watched,  # noqa: F811
) -> None:
    page = watched.page
    sign_in(page, site.url)
    page.goto(f"{site.url}/admin/gateway/siteinstructions/add/")
    page.fill("#id_text", "Say pantry, never bucket.")
    page.click("[name=_save]")
    caller = new_caller(CALLERS["json"], site.url)
    caller.ask("How do I set a limit?")
    assert fake.questions[0].body["system"][0]["text"].endswith("Say pantry, never bucket.")
    assert watched.complaints == []
    caller.close()
