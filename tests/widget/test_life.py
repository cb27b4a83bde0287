"""The whole life of a visitor, by keyboard alone."""

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.live import LiveServer
from tests.widget.conftest import ENDLESS, Site, Visit, mailed_code, visiting

pytestmark = pytest.mark.browser
MOST_TABS = 60
LOGGED = """
    widget_loaded session_created chat_message rate_limit_triggered signup_modal_opened signup_initiated
    email_verified save_chat personalize logout
"""
FOCUSED = """() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const label = element?.getAttribute("aria-label") || element?.labels?.[0]?.textContent;
    return label || element?.textContent.trim();
}"""


@pytest.fixture(scope="module")
def settings_of_the_server() -> dict[str, str]:
    return {"RATE_LIMITS__CHAT_ANONYMOUS": "4/8", "RATE_LIMITS__CHAT_LIGHTWEIGHT": "none"}


class Keyboard:
    def __init__(self, visit: Visit) -> None:
        self.visit, self.keys = visit, visit.page.keyboard

    @property
    def focused(self) -> str:
        return str(self.visit.page.evaluate(FOCUSED))

    def reach(self, name: str, *, key: str = "Tab") -> None:
        for _ in range(MOST_TABS):
            if self.focused == name:
                return
            self.keys.press(key)
        raise AssertionError(f"{name} cannot be reached with {key}.")

    def press(self, name: str, *, key: str = "Shift+Tab") -> None:
        self.reach(name, key=key)
        self.keys.press("Enter")

    def say(self, text: str) -> None:
        self.reach("Ask a question…")
        self.keys.type(text)
        self.keys.press("Enter")


def test_a_whole_life_by_keyboard_alone(visit: Visit, server: LiveServer) -> None:
    visit.open(f'<chatkit-widget open server="{server.url}">')
    keyboard = Keyboard(visit)
    asks_stops_tries_again_and_meets_the_limit(visit, keyboard)
    signs_up_to_save(visit, keyboard, server)
    reads_on_looks_back_and_leaves(visit, keyboard)
    logged = visit.logged()
    for event in LOGGED.split():
        assert event in logged
    states = [detail["state"] for detail in visit.heard("identity.change")]
    assert states == ["SIGNUP_MODAL_OPEN", "EMAIL_VERIFICATION_PENDING", "LOGGED_IN", "ANONYMOUS"]
    assert visit.complaints == []


def asks_stops_tries_again_and_meets_the_limit(visit: Visit, keyboard: Keyboard) -> None:
    keyboard.say('{"tokens": 3}')
    visit.is_answered(1)
    keyboard.say(ENDLESS)
    expect(visit.answers.last).to_contain_text("0")
    keyboard.press("Stop the answer", key="Tab")
    expect(visit.answers.last).to_have_attribute("data-status", "cancelled")
    keyboard.say('{"tokens": 2, "end": "fail"}')
    expect(visit.answers.last).to_have_attribute("data-status", "failed")
    keyboard.press("Try again")
    expect(visit.answers.last).to_have_attribute("data-status", "failed")
    keyboard.say('{"tokens": 5}')
    expect(visit.part(".notice.limit")).to_contain_text("You can go on in")
    assert visit.heard("limit")[0]["action"] == "chat"
    visit.is_answered(2)


def signs_up_to_save(visit: Visit, keyboard: Keyboard, server: LiveServer) -> None:
    keyboard.press("Save chat")
    expect(visit.part("dialog")).to_be_visible()
    keyboard.keys.type("zoe@example.com")
    keyboard.keys.press("Tab")
    keyboard.keys.press("Space")
    keyboard.press("Send me a link", key="Tab")
    expect(visit.page.get_by_role("heading", name="Check your mail")).to_be_visible()
    keyboard.reach("Code")
    keyboard.keys.type(mailed_code(server, "zoe@example.com"))
    keyboard.keys.press("Enter")

    expect(visit.part(".notice.migrate")).to_be_visible()
    keyboard.press("Bring it along")
    expect(visit.notice("The chat is saved.")).to_be_visible()
    expect(visit.part(".user")).to_have_count(4)


def reads_on_looks_back_and_leaves(visit: Visit, keyboard: Keyboard) -> None:
    keyboard.press("Personalize")
    expect(visit.page.get_by_role("heading", name="Recommended for you")).to_be_visible()
    keyboard.keys.press("Escape")
    assert keyboard.focused == "Personalize"
    keyboard.press("History", key="Tab")
    expect(visit.page.get_by_role("heading", name="Your conversations")).to_be_visible()
    keyboard.keys.press("Enter")
    expect(visit.part("dialog")).to_have_count(0)
    expect(visit.part(".user")).to_have_count(4)
    with visit.page.expect_download() as download:
        keyboard.press("Export")
    assert download.value.suggested_filename == "conversation.md"
    keyboard.press("Log out", key="Tab")
    expect(visit.button("Sign up")).to_be_hidden()
    expect(visit.part(".message")).to_have_count(0)
    expect(visit.input).to_be_focused()
    keyboard.keys.press("Escape")
    assert keyboard.focused == "Open the chat"


def test_the_mailed_link_signs_the_chat_in_that_asked_in_every_tab(
    visit: Visit, context: BrowserContext, server: LiveServer, shop: Site
) -> None:
    other = visiting(context, shop).open()
    visit.open()
    visit.ask('{"tokens": 1}')
    visit.is_answered()
    visit.button("Sign up").click()
    visit.part("dialog input[type=email]").fill("yan@example.com")
    visit.part("dialog input[type=checkbox]").check()
    visit.button("Send me a link").click()
    expect(visit.part("dialog")).to_contain_text("Check your mail")
    mail = context.new_page()
    mail.goto(f"{server.url}/verify?token={mailed_code(server, 'yan@example.com')}")
    mail.get_by_label("Number in the chat").fill(visit.part("dialog .number").inner_text())
    mail.get_by_role("button", name="Confirm my address").click()
    expect(mail.get_by_text("The chat is signed in")).to_be_visible()
    for tab in (visit, other):
        expect(tab.part(".chatkit-logout-btn")).to_be_visible()
    visit.button("Leave it").click()
    visit.part(".chatkit-logout-btn").click()
    expect(visit.notice("You are logged out.")).to_be_visible()
    expect(other.part(".chatkit-logout-btn")).to_be_hidden()
    assert other.heard("identity.change")[-1]["state"] == "ANONYMOUS"


def test_a_wrong_code_is_told_so_and_may_be_tried_again(visit: Visit, server: LiveServer) -> None:
    visit.open().ask('{"tokens": 1}')
    visit.is_answered()
    visit.button("Export").click()
    visit.part("dialog input[type=email]").fill("xan@example.com")
    visit.part("dialog input[type=checkbox]").check()
    visit.button("Send me a link").click()
    visit.page.get_by_label("Code", exact=True).fill("ckm_wrong")
    visit.button("Confirm").click()
    expect(visit.part("dialog .error")).to_contain_text("not valid")
    assert [detail["state"] for detail in visit.heard("identity.change")][-1] == "VERIFICATION_FAILED"
    visit.page.get_by_label("Code", exact=True).fill(mailed_code(server, "xan@example.com"))
    visit.button("Confirm").click()
    expect(visit.part(".notice.migrate")).to_be_visible()
