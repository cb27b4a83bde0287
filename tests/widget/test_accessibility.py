"""axe finds nothing, in any state, in both themes; and what axe cannot see."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.widget.conftest import ENDLESS, Visit

pytestmark = pytest.mark.browser
QUESTION = "How do I set a rate limit?"
SMALL = """() => [...document.querySelector("chatkit-widget").shadowRoot.querySelectorAll("button, input, textarea")]
    .filter((each) => each.checkVisibility())
    .map((each) => [each.getAttribute("aria-label") ?? each.textContent, each.getBoundingClientRect(), each.type])
    .filter(([, box, type]) => (box.width < 44 || box.height < 44) && type !== "checkbox")
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


def greets(visit: Visit) -> None:
    visit.is_online()


def answers(visit: Visit) -> None:
    visit.ask(QUESTION)
    visit.is_answered()


def writes(visit: Visit) -> None:
    visit.ask(ENDLESS)
    expect(visit.answers.last).to_contain_text("0")


def fails(visit: Visit) -> None:
    visit.ask('{"tokens": 1, "end": "fail"}')
    expect(visit.answers.last).to_have_attribute("data-status", "failed")


def is_offline(visit: Visit) -> None:
    answers(visit)
    visit.page.context.set_offline(True)
    visit.page.evaluate("cut()")
    visit.ask("Will this be sent?")
    expect(visit.part(".user .note")).to_be_visible()


def asks_for_address(visit: Visit) -> None:
    answers(visit)
    visit.button("Sign up").click()
    expect(visit.part("dialog")).to_be_visible()


def waits_for_code(visit: Visit) -> None:
    asks_for_address(visit)
    visit.part("dialog input[type=email]").fill("axe@example.com")
    visit.part("dialog input[type=checkbox]").check()
    visit.button("Send me a link").click()
    visit.page.get_by_label("Code", exact=True).fill("ckm_wrong")
    visit.button("Confirm").click()
    expect(visit.part("dialog .error")).to_be_visible()


def comments(visit: Visit) -> None:
    answers(visit)
    visit.button("Poor answer").click()
    expect(visit.part(".comment")).to_be_visible()


def offers_to_ask(visit: Visit) -> None:
    answers(visit)
    visit.page.locator("#story").select_text()
    visit.button("Ask about this").click()
    expect(visit.part(".notice.quoted")).to_be_visible()


def refuses(visit: Visit) -> None:
    visit.is_online()
    visit.page.evaluate("lines.at(-1).onclose({ code: 4403 })")
    expect(visit.part(".notice.bad")).to_be_visible()


STATES = [
    greets,
    answers,
    writes,
    fails,
    is_offline,
    asks_for_address,
    waits_for_code,
    comments,
    offers_to_ask,
    refuses,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_axe_finds_nothing_in_either_theme(visit: Visit, state: Callable[[Visit], None]) -> None:
    visit.open()
    state(visit)
    visit.page.emulate_media(reduced_motion="reduce")
    for theme in ("light", "dark"):
        visit.page.evaluate("theme => document.querySelector('chatkit-widget').setAttribute('theme', theme)", theme)
        assert violations(visit.page, "chatkit-widget") == []
    assert visit.page.evaluate(SMALL) == []


def test_a_listener_hears_sentences_and_no_tokens(visit: Visit) -> None:
    visit.open().ask(QUESTION)
    visit.is_answered()
    spoken = visit.part("[role=status] p").all_inner_texts()
    assert spoken
    assert all(" " in text for text in spoken)
    assert visit.part(".chatkit-messages").get_attribute("aria-live") == "off"


def test_focus_moves_in_and_back(visit: Visit) -> None:
    visit.open(f'<chatkit-widget open server="{visit.shop.server_url}">')
    visit.input.press("Escape")
    expect(visit.part(".launcher")).to_be_focused()
    visit.part(".launcher").press("Enter")
    expect(visit.input).to_be_focused()


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_nothing_is_cut_off_on_a_narrow_screen(visit: Visit, locale: str) -> None:
    visit.page.set_viewport_size({"width": 320, "height": 600})
    visit.open(f'<chatkit-widget open server="{visit.shop.server_url}" locale="{locale}">')
    visit.ask(QUESTION)
    visit.is_answered()
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = visit.part(".chatkit-send-btn").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= 320 - box["width"]
    assert visit.part(".root").get_attribute("dir") == ("rtl" if locale == "ar" else "ltr")
