"""The pages of accounts in a real browser: the admin over people and sessions, and the page behind the mailed link."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.browser.test_pages import assert_clean, log_in, owner  # noqa: F401 - a fixture
from tests.environment import CANARY
from tests.live import LiveServer, run_manage

pytestmark = pytest.mark.browser
LISTS = ("Users", "Sessions", "Visitors", "Verification tokens", "Sign-ins")
SEED = """
from apps.accounts import registration, sessions, tokens, visitors
from apps.accounts.models import User, VerificationToken
user, _ = User.objects.get_or_create(email="looked-at@example.com")
sessions.open_session(user, user_agent="Seed")
visitors.enter(anon_id=None, presented=None, user_agent="Seed")
VerificationToken.objects.update_or_create(
    digest=tokens.digest("{code}"),
    defaults=dict(email="linked@example.com", used_at=None, expires_at=registration.timezone.now() + registration.LIFE),
)
"""
CODE = f"ckm_{CANARY}".ljust(47, "A")


@pytest.fixture(scope="module")
def people(site: LiveServer) -> None:
    ended = run_manage("shell", "-c", SEED.replace("{code}", CODE), environment=site.settings)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.usefixtures("people")
def test_the_admin_shows_people_sessions_and_history(
    watched: Watched,
    site: LiveServer,
    owner: dict[str, str],  # noqa: F811
) -> None:
    log_in(watched, site, owner)
    for name in LISTS:
        watched.page.goto(f"{site.url}/admin/accounts/")
        watched.page.get_by_role("link", name=name, exact=True).first.click()
        expect(watched.page.locator("#result_list tbody tr").first).to_be_visible()
        watched.page.locator("#result_list tbody th a").first.click()
        expect(watched.page.locator("#content h1")).to_be_visible()
    assert_clean(watched)


@pytest.mark.usefixtures("people")
def test_a_session_is_revoked_in_the_admin(
    watched: Watched,
    site: LiveServer,
    owner: dict[str, str],  # noqa: F811
) -> None:
    log_in(watched, site, owner)
    watched.page.goto(f"{site.url}/admin/accounts/session/?state=live&q=looked-at@example.com")
    watched.page.locator("#result_list input.action-select").first.check()
    watched.page.locator("select[name=action]").select_option(label="Revoke the selected sessions")
    watched.page.get_by_role("button", name="Run").or_(watched.page.get_by_role("button", name="Go")).first.click()
    expect(watched.page.locator(".messagelist")).to_contain_text("Revoked 1 session.")
    assert_clean(watched)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("width", [360, 1280])
def test_the_mailed_link_shows_the_code_and_confirms_when_pressed(
    watched: Watched, site: LiveServer, width: int
) -> None:
    watched.page.set_viewport_size({"width": width, "height": 800})
    watched.page.goto(f"{site.url}/verify?token={CODE}")
    expect(watched.page.get_by_text(CODE)).to_be_visible()
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_clean(watched)


def test_a_code_can_be_pasted_and_a_wrong_one_is_told_so(watched: Watched, site: LiveServer) -> None:
    watched.page.goto(f"{site.url}/verify")
    watched.page.get_by_label("Code").fill("nothing")
    watched.page.get_by_role("button", name="Confirm my address").click()
    expect(watched.page.get_by_role("heading")).to_have_text("This did not work")


@pytest.mark.usefixtures("people")
def test_pressing_the_button_confirms_the_address(watched: Watched, site: LiveServer) -> None:
    watched.page.goto(f"{site.url}/verify?token={CODE}")
    watched.page.get_by_role("button", name="Confirm my address").click()
    expect(watched.page.get_by_role("heading")).to_have_text("Your address is confirmed")
    again = httpx.post(f"{site.url}/api/auth/verify", json={"token": CODE}, timeout=20)
    assert again.json()["error"] == "invalid_token"
    assert_clean(watched)
