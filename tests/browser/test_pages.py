"""Pages for people, in a real browser: they work under the strict policy and ask nobody else for anything."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched
from tests.leaks import CANARY
from tests.live import LiveServer, run_manage

pytestmark = pytest.mark.browser
OWNER = {"DJANGO_SUPERUSER_EMAIL": "owner@example.com", "DJANGO_SUPERUSER_PASSWORD": f"{CANARY}-owner"}


@pytest.fixture(scope="module")
def owner(site: LiveServer) -> dict[str, str]:
    run_manage("createsuperuser", "--noinput", environment={**site.settings, **OWNER})
    return OWNER


def log_in(watched: Watched, site: LiveServer, owner: dict[str, str]) -> None:
    watched.page.goto(f"{site.url}/admin/")
    watched.page.get_by_label("E-mail").fill(owner["DJANGO_SUPERUSER_EMAIL"])
    watched.page.get_by_label("Password").fill(owner["DJANGO_SUPERUSER_PASSWORD"])
    watched.page.get_by_role("button", name="Log in").click()
    expect(watched.page.get_by_role("link", name="Log out").or_(watched.page.get_by_text("Log out"))).to_be_visible()


def assert_clean(watched: Watched) -> None:
    assert watched.complaints == []
    assert watched.foreign_requests == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_demo_page_shows_how_the_server_is(watched: Watched, site: LiveServer, theme: str, width: int) -> None:
    watched.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    watched.page.set_viewport_size({"width": width, "height": 800})
    watched.page.goto(site.url)
    expect(watched.page.locator("[data-status]")).to_contain_text("Everything answers")
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_clean(watched)


def test_the_api_documentation_works_under_the_policy(watched: Watched, site: LiveServer) -> None:
    watched.page.goto(f"{site.url}/api/docs")
    watched.page.get_by_text("/health/live").click()
    watched.page.get_by_role("button", name="Try it out").click()
    watched.page.get_by_role("button", name="Execute").click()
    expect(watched.page.locator(".live-responses-table td.response-col_status:text('200')")).to_be_visible()
    assert_clean(watched)


def test_the_admin_works_under_the_policy(watched: Watched, site: LiveServer, owner: dict[str, str]) -> None:
    log_in(watched, site, owner)
    expect(watched.page).to_have_title("Overview · ChatKit")
    watched.page.get_by_role("link", name="Counters").first.click()
    watched.page.get_by_role("link", name="Limits in force").click()
    expect(watched.page.get_by_role("row", name="save_chat")).to_contain_text("5 in 60 s")
    assert_clean(watched)


def test_an_unknown_page_is_a_small_page_with_the_request_id(watched: Watched, site: LiveServer) -> None:
    response = watched.page.goto(f"{site.url}/nowhere")
    assert response is not None
    expect(watched.page.get_by_role("heading")).to_have_text("There is nothing at this address.")
    expect(watched.page.locator("code")).to_have_text(response.headers["x-request-id"])
    assert watched.foreign_requests == []
