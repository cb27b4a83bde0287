"""What happens to the line between widget and server, and that nothing said is lost or said twice."""

import json
import sqlite3

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.live import LiveServer
from tests.widget.conftest import ENDLESS, SLOW, Site, Visit, visiting

pytestmark = pytest.mark.browser
WHOLE = "".join(f"{number} " for number in range(40)).strip()
AS_AFTER_SLEEP = """() => {
    window.areDeaf = true;
    document.dispatchEvent(new Event("visibilitychange"));
    const before = lines.length;
    const again = setInterval(() => {
        if (lines.length === before) return;
        window.areDeaf = false;
        clearInterval(again);
    }, 5);
}"""


def questions(server: LiveServer, text: str) -> int:
    with sqlite3.connect(f"file:{server.folder}/data/chatkit.sqlite3?mode=ro", uri=True) as database:
        [(count,)] = database.execute("SELECT count(*) FROM chat_message WHERE role = 'user' AND content = ?", [text])
    return int(count)


def slow(marker: str, **script: object) -> str:
    """A question of one test alone."""
    return json.dumps({"tokens": 40, "pause": 0.05, "marker": marker, **script})


def begun(visit: Visit) -> None:
    expect(visit.answers.last).to_contain_text("3 ")


def test_an_answer_goes_on_after_the_line_was_cut(visit: Visit) -> None:
    visit.open().ask(SLOW)
    begun(visit)
    visit.page.evaluate("cut()")
    visit.is_answered()
    assert visit.answers.last.locator(".body").inner_text() == WHOLE
    assert visit.page.evaluate("lines.length") == 2


def test_a_line_that_died_during_sleep_is_noticed_and_replaced(visit: Visit) -> None:
    visit.open().ask(SLOW)
    begun(visit)
    visit.page.evaluate(AS_AFTER_SLEEP)
    visit.is_answered()
    assert visit.answers.last.locator(".body").inner_text() == WHOLE
    assert visit.page.evaluate("lines.length") == 2


def test_a_restarted_server_is_found_again_and_the_interrupted_answer_can_be_tried_again(
    visit: Visit, server: LiveServer
) -> None:
    visit.open().ask(slow("restart", pause=0.5))
    begun(visit)
    server.stop()
    expect(visit.part(".connection")).to_be_visible()
    server.start()
    expect(visit.part(".connection")).to_be_hidden()
    expect(visit.answers.last).to_have_attribute("data-status", "failed")
    visit.ask("How do I set a rate limit?")
    visit.is_answered()


def test_what_is_written_offline_is_sent_once_when_the_network_is_back(
    visit: Visit, context: BrowserContext, server: LiveServer
) -> None:
    visit.open()
    visit.is_online()
    context.set_offline(True)
    visit.page.evaluate("cut()")
    for number in (1, 2):
        visit.ask(f'{{"tokens": 2, "marker": "offline {number}"}}')
    expect(visit.part(".user")).to_have_count(2)
    visit.page.evaluate("cut()")
    context.set_offline(False)
    visit.is_answered(2)
    assert [questions(server, f'{{"tokens": 2, "marker": "offline {number}"}}') for number in (1, 2)] == [1, 1]


def test_what_was_not_sent_before_a_reload_is_sent_after_it(
    visit: Visit, context: BrowserContext, server: LiveServer
) -> None:
    visit.open().ask('{"tokens": 1}')
    visit.is_answered()
    question = '{"tokens": 2, "marker": "reload"}'
    visit.page.evaluate("window.WebSocket = class { close() {} send() {} }; cut()")
    visit.ask(question)
    visit.page.reload()
    visit.is_answered(2)
    assert questions(server, question) == 1


def test_plain_requests_carry_the_chat_where_no_socket_gets_through(visit: Visit) -> None:
    visit.page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose({ code: 1006 })); } close() {} };"
    )
    visit.open().ask(SLOW)
    begun(visit)
    visit.is_answered()
    assert visit.answers.last.locator(".body").inner_text() == WHOLE
    visit.ask(ENDLESS)
    expect(visit.answers).to_have_count(2)
    expect(visit.answers.last).to_contain_text("0")
    visit.button("Stop the answer").click()
    expect(visit.answers.last).to_have_attribute("data-status", "cancelled")
    assert any("/chat/stream" in url for url in visit.requests)


def test_two_tabs_show_the_same_conversation_as_it_goes_on(
    visit: Visit, context: BrowserContext, server: LiveServer, shop: Site
) -> None:
    visit.open().ask('{"tokens": 3}')
    visit.is_answered()
    other = visiting(context, shop).open()
    other.is_answered(1)
    other.is_online()
    visit.ask(SLOW)
    begun(other)
    other.is_answered(2)
    assert other.part(".message").all_inner_texts() == visit.part(".message").all_inner_texts()
    other.button("New conversation").click()
    expect(visit.part(".message")).to_have_count(0)


def test_a_reload_in_mid_answer_goes_on_with_it(visit: Visit) -> None:
    visit.open().ask(SLOW)
    begun(visit)
    visit.page.reload()
    visit.is_answered()
    assert visit.answers.last.locator(".body").inner_text() == WHOLE


@pytest.mark.parametrize(("code", "comes_back"), [(4012, True), (4408, True), (4403, False)])
def test_the_close_code_says_whether_to_come_back(visit: Visit, code: int, comes_back: bool) -> None:
    visit.open()
    visit.is_online()
    visit.page.evaluate(
        "code => { const line = lines.at(-1); line.onclose({ code }); line.onclose = null; line.close(); }", code
    )
    if comes_back:
        visit.until("lines.length === 2")
    else:
        expect(visit.notice("may not use this chat server")).to_be_visible()
        assert visit.page.evaluate("lines.length") == 1


def test_a_refused_credential_is_renewed_before_coming_back(visit: Visit) -> None:
    visit.open()
    visit.is_online()
    entered = [url for url in visit.requests if url.endswith("/auth/visitor")]
    visit.page.evaluate("lines.at(-1).onclose({ code: 4401 })")
    visit.until("lines.length === 2")
    assert len([url for url in visit.requests if url.endswith("/auth/visitor")]) == len(entered) + 1
