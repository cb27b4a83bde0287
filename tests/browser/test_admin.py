"""The admin in a real browser: stored markup is text on every page, and the overview is for every eye and width."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Dialog, expect

from tests.browser.axe import violations
from tests.browser.conftest import Watched
from tests.browser.test_pages import assert_clean, log_in
from tests.environment import ROOT
from tests.leaks import CANARY
from tests.live import LiveServer, run_manage

pytestmark = pytest.mark.browser
OWNER = {"DJANGO_SUPERUSER_EMAIL": "owner@example.com", "DJANGO_SUPERUSER_PASSWORD": f"{CANARY}-owner"}
WIDTHS = [400, 1600]
TOO_WIDE = """document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter((node) => node.getBoundingClientRect().right > innerWidth)
    .map((node) => node.outerHTML.slice(0, 200))"""
ASK = """
from django.utils import timezone
from tests.analytics.stories import turn, visitor
print(turn(visitor(), "{question}", at=timezone.now(), sources=()).pk)
"""
HIGHEST = """(bars) => {
    const heights = bars.map((bar) => bar.height.baseVal.value);
    return heights.indexOf(Math.max(...heights));
}"""


def manage(server: LiveServer, *arguments: str) -> str:
    ended = run_manage(*arguments, environment={**server.settings, **OWNER}, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of this module's own: its tables hold what other tests must not meet."""
    with LiveServer(tmp_path_factory.mktemp("admin")) as server:
        manage(server, "createsuperuser", "--noinput")
        yield server


@pytest.fixture(scope="module")
def poisoned(site: LiveServer) -> list[str]:
    """Every text field of every model holds markup; what comes back are the pages to open."""
    script = (ROOT / "tests" / "browser" / "poison.py").read_text()
    told = manage(site, "shell", "-v", "0", "-c", script).strip().splitlines()[-1]
    pages: list[str] = json.loads(told)
    return pages


@pytest.fixture(scope="module")
def traffic(site: LiveServer) -> None:
    manage(site, "generate_demo_traffic", "--days", "3", "--scale", "0.3")


def test_stored_markup_is_text_on_every_page_of_the_admin(
    watched: Watched, site: LiveServer, poisoned: list[str]
) -> None:
    dialogs: list[str] = []

    def refuse(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page = watched.page
    page.on("dialog", refuse)
    log_in(watched, site, OWNER)
    seen = 0
    for address in poisoned:
        answer = page.goto(f"{site.url}{address}")
        assert answer is not None
        assert answer.status == 200, address
        assert page.evaluate("window.poisoned") is None, address
        assert page.locator("#content img[src='x'], #content script[src*='poison'], poison-tag").count() == 0, address
        seen += "<poison-tag" in page.locator("body").inner_text() or "<poison-tag" in page.evaluate(FIELDS)
    assert dialogs == []
    assert_clean(watched)
    assert len(poisoned) > 60
    # Deletion pages of the system's rows and empty searches aside, nearly every page shows the markup.
    assert seen > len(poisoned) * 0.6


FIELDS = "[...document.querySelectorAll('input, textarea')].map((field) => field.value).join()"


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_overview_is_for_every_width_and_theme(watched: Watched, site: LiveServer, theme: str, width: int) -> None:
    page = watched.page
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    log_in(watched, site, OWNER)
    page.goto(f"{site.url}/admin/?days=7")
    expect(page.get_by_role("heading", name="Questions", exact=True).first).to_be_visible()
    assert page.locator(".drawing:visible svg").count() == 4
    assert page.evaluate(TOO_WIDE) == []
    for summary in page.locator(".panel summary").all():
        summary.click()
    assert page.evaluate(TOO_WIDE) == []
    assert_clean(watched)
    assert violations(page) == []


@pytest.mark.usefixtures("traffic")
def test_a_number_of_the_overview_leads_to_its_rows(watched: Watched, site: LiveServer) -> None:
    page = watched.page
    log_in(watched, site, OWNER)
    page.goto(f"{site.url}/admin/?days=7")
    key = page.locator(".key", has_text="Questions").locator(".value a")
    count = key.inner_text()
    key.click()
    expect(page.locator(".paginator")).to_contain_text(f"{count} turns")
    page.go_back()
    bars = page.locator(".drawing:visible").first.locator("a rect")
    highest = bars.evaluate_all(HIGHEST)
    bars.nth(highest).click()
    expect(page.locator("#result_list tbody tr").first).to_be_visible()
    assert_clean(watched)


@pytest.mark.usefixtures("traffic")
def test_other_days_are_chosen(watched: Watched, site: LiveServer) -> None:
    page = watched.page
    log_in(watched, site, OWNER)
    page.get_by_text("Other days").click()
    page.get_by_role("textbox", name="From", exact=True).fill("2026-01-01")
    page.get_by_role("textbox", name="To", exact=True).fill("2026-01-31")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("1 January 2026 to 31 January 2026")).to_be_visible()
    assert_clean(watched)


@pytest.mark.usefixtures("traffic")
def test_a_file_of_figures_is_downloaded(watched: Watched, site: LiveServer, tmp_path: Path) -> None:
    page = watched.page
    log_in(watched, site, OWNER)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV of Questions").click()
    waiting.value.save_as(tmp_path / "turns.csv")
    assert (tmp_path / "turns.csv").read_text().startswith("day,answered")
    assert_clean(watched)


@pytest.mark.usefixtures("traffic")
def test_the_overview_leads_to_a_better_answer(watched: Watched, site: LiveServer) -> None:
    log_in(watched, site, OWNER)
    watched.page.goto(f"{site.url}/admin/?days=7")
    watched.page.get_by_role("link", name="Find a better answer").first.click()
    expect(watched.page.get_by_role("heading", name="The answer then")).to_be_visible()
    assert_clean(watched)


@pytest.mark.parametrize(("width", "theme"), [(400, "light"), (1600, "dark")])
def test_a_better_answer_is_written_on_one_page(
    watched: Watched, site: LiveServer, width: int, theme: Literal["light", "dark"]
) -> None:
    question = f"Do you deliver {theme} sourdough in {width} slices?"
    turn = manage(site, "shell", "-v", "0", "-c", ASK.format(question=question)).split()[-1]
    page = watched.page
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    log_in(watched, site, OWNER)
    page.goto(f"{site.url}/admin/unanswered/{turn}/")
    page.get_by_label("Text").fill(f"Yes, {theme} sourdough in {width} slices costs seven coins.")
    page.get_by_role("button", name="Save and ask again").click()
    expect(page.locator("#answer-now")).to_contain_text("costs seven coins")
    assert page.evaluate(TOO_WIDE) == []
    assert_clean(watched)
    assert violations(page) == []
    page.get_by_role("button", name="Mark as handled").click()
    expect(page.get_by_text("Handled:")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_new_site_is_welcomed(browser: Browser, tmp_path_factory: pytest.TempPathFactory, theme: str) -> None:
    with LiveServer(tmp_path_factory.mktemp("new")) as server:
        manage(server, "createsuperuser", "--noinput")
        page = browser.new_page(color_scheme=theme)  # type: ignore[arg-type]
        log_in(Watched(page), server, OWNER)
        expect(page.get_by_role("heading", name="Nobody has asked anything yet")).to_be_visible()
        assert violations(page) == []
        page.close()
