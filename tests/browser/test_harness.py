"""The harness checks the real widget against the real server: green when all is well, red when anything is broken."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Watched, chromium, watch
from tests.browser.test_pages import log_in, owner  # noqa: F401 - a fixture
from tests.leaks import CANARY
from tests.live import LiveServer, run_manage
from tests.services import free_port

pytestmark = pytest.mark.browser
PATIENCE = 90_000
SLOW = 240.0
TITLES = {
    "Widget Loaded",
    "Backend Connectivity",
    "Session Valid",
    "Analytics Working",
    "Streaming Works",
    "Rate Limit Works",
    "Resume Works",
    "Console Clean",
}


@pytest.fixture
def tested(start_server: Callable[..., LiveServer]) -> LiveServer:
    return start_server(INTEGRATION_TEST_MODE="true")


def verdict_of(page: Page) -> dict[str, object]:
    page.locator("[data-verdict=green], [data-verdict=red]").wait_for(state="attached", timeout=PATIENCE)
    found: dict[str, object] = json.loads(page.locator("#harness-result").text_content() or "")
    return found


def test_all_checks_are_green_on_the_real_thing(context: BrowserContext, tested: LiveServer) -> None:
    watched = watch(context.new_page(), tested.url)
    watched.page.goto(f"{tested.url}/harness/")
    result = verdict_of(watched.page)
    assert result["verdict"] == "green", result
    assert {check["title"]: check["status"] for check in result["checks"]} == dict.fromkeys(TITLES, "green")  # type: ignore[attr-defined]
    assert [step["event"] for step in result["sequence"]] == [  # type: ignore[attr-defined]
        "widget_loaded",
        "session_created",
        "chat_message",
        "rate_limit_triggered",
    ]
    assert watched.foreign_requests == []
    assert [said for said in watched.complaints if "429" not in said] == []


def test_no_token_is_in_the_verdict_or_the_console(context: BrowserContext, tested: LiveServer) -> None:
    page = context.new_page()
    page.goto(f"{tested.url}/harness/")
    verdict_of(page)
    assert "ck_" not in page.locator("#harness-result").inner_text()
    assert "eyJ" not in page.content()


def test_each_button_does_what_it_says(context: BrowserContext, tested: LiveServer) -> None:
    page = context.new_page()
    page.goto(f"{tested.url}/harness/")
    verdict_of(page)
    for name in ("Check Widget Loaded", "Check Session", "Check Analytics"):
        page.get_by_role("button", name=name).click()
    expect(page.locator("[data-check=analytics]")).to_have_attribute("data-status", "green")
    page.get_by_role("button", name="Drop Connection").click()
    expect(page.locator("[data-console]")).to_contain_text("1 sockets cut")
    page.get_by_role("button", name="Reload Page").click()
    again = verdict_of(page)
    assert again["verdict"] == "green", again
    expect(page.locator("[data-check=session]")).to_contain_text("same as before the reload")


def test_an_error_turns_a_clean_console_red(context: BrowserContext, tested: LiveServer) -> None:
    page = context.new_page()
    page.goto(f"{tested.url}/harness/")
    assert verdict_of(page)["verdict"] == "green"
    page.evaluate("() => console.error('The shop is on fire.')")
    expect(page.locator("[data-check=console]")).to_have_attribute("data-status", "red")


def test_strangers_do_not_learn_that_there_is_a_harness(watched: Watched, site: LiveServer) -> None:
    for path in ("/harness/", "/harness/events"):
        response = watched.page.goto(f"{site.url}{path}")
        assert response is not None
        assert response.status == 404


def test_staff_may_use_it_without_test_mode(
    watched: Watched,
    site: LiveServer,
    owner: dict[str, str],  # noqa: F811
) -> None:
    log_in(watched, site, owner)
    watched.page.goto(f"{site.url}/harness/")
    assert verdict_of(watched.page)["verdict"] == "green"


def run_harness(*arguments: str, **environment: str) -> "tuple[int, str]":
    ended = run_manage(
        "run_harness", *arguments, environment={"CHROMIUM_PATH": chromium() or "", **environment}, timeout=SLOW
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_the_command_prints_a_green_verdict(tested: LiveServer) -> None:
    code, said = run_harness("--url", tested.url)
    assert (code, "The verdict is green." in said) == (0, True), said
    assert all(title in said for title in TITLES)


def test_the_command_brings_a_server_of_its_own(tmp_path: Path) -> None:
    """Whatever the owner's own settings are."""
    chosen = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": f"{CANARY}-of-an-owner-in-production",
        "DATA_DIR": str(tmp_path),
    }
    code, said = run_harness("--json", RATE_LIMITS__SAVE_CHAT="none", **chosen)
    assert code == 0, said
    assert json.loads(said)["verdict"] == "green"


@pytest.mark.parametrize(
    ("broken", "title"),
    [
        ({"RATE_LIMITS__ANALYTICS": "1/86400"}, "Analytics Working"),
        ({"RATE_LIMITS__SAVE_CHAT": "none"}, "Rate Limit Works"),
        ({"RATE_LIMITS__VISITOR": "1/86400"}, "Session Valid"),
    ],
)
def test_the_command_is_red_when_something_is_broken(
    start_server: Callable[..., LiveServer], broken: dict[str, str], title: str
) -> None:
    server = start_server(INTEGRATION_TEST_MODE="true", **broken)
    if "RATE_LIMITS__VISITOR" in broken:
        run_manage("shell", "-c", USE_UP_VISITORS.format(url=server.url), environment=server.settings)
    code, said = run_harness("--url", server.url)
    assert code == 1
    assert any(line.startswith(title) and " red " in line for line in said.splitlines()), said


USE_UP_VISITORS = "import httpx; httpx.post('{url}/api/v1/auth/visitor', json={{}})"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "nonsense"], "--url: use an address"),
        (["--url", "http://127.0.0.1:{port}"], "http://127.0.0.1:"),
        (["--chromium", "/nowhere/chromium"], "There is no browser at /nowhere/chromium"),
    ],
)
def test_what_keeps_the_command_from_checking_is_said(arguments: list[str], words: str) -> None:
    code, said = run_harness(*(part.format(port=free_port()) for part in arguments))
    assert code == 1
    assert words in said
    assert "Traceback" not in said


def test_a_server_that_does_not_show_the_harness_is_said(site: LiveServer) -> None:
    code, said = run_harness("--url", site.url)
    assert code == 1
    assert "answers 404: the harness is served in integration test mode" in said
