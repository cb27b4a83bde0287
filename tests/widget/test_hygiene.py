"""What the widget must never do to the page, the visitor or the console; and that it leaves nothing behind."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.live import LiveServer
from tests.widget.conftest import ON_LOCALHOST, SLOW, Site, Visit, mailed_code

pytestmark = pytest.mark.browser
TOKEN = re.compile(r"ck[vsm]_[\w-]{20,}|eyJ[\w-]+\.")
DOM = """() => {
    const attributes = (node) => [...(node.attributes ?? [])].map((each) => each.value);
    const read = (node) => [node.nodeValue ?? "", ...attributes(node), node.value ?? "",
        ...(node.shadowRoot ? [...node.shadowRoot.childNodes] : []).concat([...node.childNodes]).map(read)].join(" ");
    return read(document.documentElement);
}"""
LEFT = "() => [listenersOf, timersLeft(), lines.filter((line) => line.readyState < 2).length]"
LONG_TASKS = """() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
    }).observe({ type: "longtask" });
}"""
NODES = """() => {
    const count = (node) => 1 + [...node.childNodes].reduce((sum, child) => sum + count(child), 0)
        + (node.shadowRoot ? count(node.shadowRoot) : 0);
    return count(document.querySelector("chatkit-widget"));
}"""


def test_tokens_are_in_storage_and_nowhere_else(visit: Visit, context: BrowserContext, server: LiveServer) -> None:
    said: list[str] = []
    visit.page.on("console", lambda message: said.append(message.text))
    visit.open().ask('{"tokens": 1}')
    visit.is_answered()
    visit.button("Sign up").click()
    visit.part("dialog input[type=email]").fill("token@example.com")
    visit.part("dialog input[type=checkbox]").check()
    visit.button("Send me a link").click()
    visit.page.get_by_label("Code", exact=True).fill(mailed_code(server, "token@example.com"))
    visit.button("Confirm").click()
    expect(visit.part(".chatkit-logout-btn")).to_be_visible()
    stored = visit.page.evaluate("({ ...localStorage })")
    assert list(stored) == [f"chatkit:{server.url}"]
    assert TOKEN.search(stored[f"chatkit:{server.url}"])
    seen = [visit.page.evaluate(DOM), *visit.requests, json.dumps(visit.page.evaluate("heard")), *said]
    assert not [text for text in seen if TOKEN.search(text)]
    assert visit.page.evaluate("[document.cookie, sessionStorage.length]") == ["", 0]
    assert context.cookies() == []


def test_a_strict_policy_is_never_violated_and_nobody_else_is_asked(visit: Visit, server: LiveServer) -> None:
    visit.open().ask("How do I set a rate limit?")
    visit.is_answered()
    visit.button("Sign up").click()
    expect(visit.part("dialog")).to_be_visible()
    visit.page.keyboard.press("Escape")
    visit.page.locator("#story").select_text()
    expect(visit.button("Ask about this")).to_be_visible()
    assert visit.complaints == []
    assert not [url for url in visit.requests if not url.startswith((server.url, visit.shop.url))]


def test_without_https_it_refuses_and_says_so(context: BrowserContext, server: LiveServer, shop: Site) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix("http://shop.test")
        asked.append(path)
        if path != "/":
            file = httpx.get(f"{server.url}{path}", timeout=20)
            route.fulfill(body=file.content, content_type="text/javascript")
            return
        script = '<script type="module" src="/static/chatkit/chatkit.js"></script>'
        route.fulfill(body=f"<html>{script}<chatkit-widget></chatkit-widget></html>", content_type="text/html")

    context.route("http://shop.test/**", answer)
    page = context.new_page()
    page.goto("http://shop.test/")
    expect(page.get_by_role("alert")).to_contain_text("needs a secure connection")
    expect(page.locator(".chatkit-input")).to_have_count(0)
    assert not [path for path in asked if "/api/" in path]


def test_on_localhost_it_warns_once(visit: Visit) -> None:
    warnings: list[str] = []
    visit.page.on("console", lambda message: warnings.append(message.text) if message.type == "warning" else None)
    widget = f'<chatkit-widget server="{visit.shop.server_url}" position="inline"></chatkit-widget>'
    visit.open(widget * 2)
    assert warnings == [ON_LOCALHOST]


def test_nothing_is_left_when_it_is_taken_away_and_it_works_again_when_put_back(visit: Visit) -> None:
    visit.open().ask('{"tokens": 2}')
    visit.is_answered()
    taken = visit.page.evaluate("() => { window.taken = document.querySelector('chatkit-widget'); taken.remove(); }")
    assert taken is None
    visit.until("lines.every((line) => line.readyState === 3)")
    listeners, timers, sockets = visit.page.evaluate(LEFT)
    assert (listeners, timers, sockets) == (0, 0, 0)
    for _ in range(5):
        visit.page.evaluate("() => { document.querySelector('main').append(taken); taken.remove(); }")
    visit.page.evaluate("() => document.querySelector('main').append(taken)")
    visit.is_answered(1)
    visit.ask('{"tokens": 2}')
    visit.is_answered(2)
    assert visit.page.evaluate("() => lines.filter((line) => line.readyState === 1).length") == 1
    assert visit.complaints == []


def test_two_widgets_on_one_page_are_one_conversation_and_two_looks(visit: Visit) -> None:
    url = visit.shop.server_url
    visit.open(
        f'<chatkit-widget server="{url}" position="inline" theme="light"></chatkit-widget>'
        f'<chatkit-widget server="{url}" position="inline" theme="dark" locale="de"></chatkit-widget>'
    )
    visit.ask('{"tokens": 2}')
    visit.is_answered(2)
    first, second = visit.part("chatkit-widget").all()
    assert first.locator(".body").all_inner_texts() == second.locator(".body").all_inner_texts()
    papers = [
        each.locator(".panel").evaluate("each => getComputedStyle(each).backgroundColor") for each in (first, second)
    ]
    assert len(set(papers)) == 2
    expect(second.locator(".chatkit-input")).to_have_attribute("placeholder", "Stellen Sie eine Frage …")


@pytest.fixture
def long_conversation(visit: Visit, server: LiveServer) -> Iterator[Any]:
    """Three hundred messages, the answers as long as real ones."""
    client = httpx.Client(base_url=f"{server.url}/api/v1", timeout=30)
    entered = client.post("/auth/visitor", json={}).json()
    client.headers["Authorization"] = f"Bearer {entered['visitor_token']}"
    conversation = None
    for number in range(150):
        question = "How do I set a rate limit?" if number % 10 == 0 else '{"tokens": 30}'
        body = {"message": question, "conversation_id": conversation}
        conversation = client.post("/chat", json=body).json()["conversation_id"]
    credential = {"kind": "visitor", "token": entered["visitor_token"], "expires_at": entered["expires_at"]}
    kept = {"credential": credential, "anon_id": entered["anon_id"], "conversation_id": conversation}
    visit.page.add_init_script(f"localStorage.setItem('chatkit:{server.url}', JSON.stringify({json.dumps(kept)}))")
    yield conversation
    client.close()


@pytest.mark.usefixtures("long_conversation")
def test_three_hundred_messages_stay_small_and_streaming_stays_smooth(visit: Visit) -> None:
    visit.open()
    expect(visit.part(".message").last).to_be_visible()
    while visit.button("Show earlier messages").is_visible():
        visit.button("Show earlier messages").click()
    expect(visit.part(".message")).to_have_count(300)
    assert visit.page.evaluate(NODES) < 5000
    visit.page.evaluate(LONG_TASKS)
    visit.ask(SLOW)
    expect(visit.answers.last).to_contain_text("39")
    assert visit.page.evaluate("longest") < 100


def test_methods_attributes_and_events_do_what_they_say(visit: Visit) -> None:
    visit.open(f'<chatkit-widget open server="{visit.shop.server_url}" greeting="Hallo" title="Help"></chatkit-widget>')
    expect(visit.part(".greeting")).to_have_text("Hallo")
    expect(visit.part(".title")).to_have_text("Help")
    call = "async ([name, ...rest]) => { await document.querySelector('chatkit-widget')[name](...rest); }"
    visit.page.evaluate(call, ["sendUserMessage", {"text": '{"tokens": 1, "end": "hang"}'}])
    expect(visit.answers.last).to_contain_text("0")
    visit.page.evaluate(call, ["stop"])
    expect(visit.answers.last).to_have_attribute("data-status", "cancelled")
    visit.page.evaluate(call, ["setComposerValue", {"text": "Draft"}])
    expect(visit.input).to_have_value("Draft")
    visit.page.evaluate(call, ["focusComposer"])
    expect(visit.input).to_be_focused()
    visit.page.evaluate(call, ["close"])
    expect(visit.part(".panel")).to_be_hidden()
    visit.page.evaluate(call, ["open"])
    expect(visit.part(".panel")).to_be_visible()
    [sent] = visit.heard("send")
    assert sent["message"].startswith("{")
    assert sent["timestamp"].endswith("Z")
    conversation = visit.heard("conversation.change")[-1]["conversation_id"]
    visit.page.evaluate(call, ["setConversation", None])
    expect(visit.part(".message")).to_have_count(0)
    visit.page.evaluate(call, ["setConversation", conversation])
    expect(visit.part(".message")).to_have_count(2)
    visit.page.evaluate(call, ["reset"])
    expect(visit.part(".message")).to_have_count(0)
    visit.page.evaluate("() => { document.querySelector('chatkit-widget').disabled = true; }")
    expect(visit.input).to_be_disabled()


def test_the_page_around_may_say_who_it_is(visit: Visit, server: LiveServer) -> None:
    client = httpx.Client(base_url=f"{server.url}/api/v1", timeout=30)
    person = {"email": "host@example.com", "password": "correct horse battery staple", "name": "Host"}
    client.post("/auth/register", json=person)
    token = client.post("/auth/login", json=person).json()["access_token"]
    visit.open()
    visit.page.evaluate("async (token) => { await document.querySelector('chatkit-widget').identify(token); }", token)
    expect(visit.part(".chatkit-logout-btn")).to_be_visible()
    expect(visit.notice("host@example.com")).to_be_visible()
    assert visit.heard("identity.change")[-1] == {"state": "LOGGED_IN", "is_signed_in": True, "tier": "lightweight"}


def test_a_session_that_ended_is_told_and_the_chat_goes_on(visit: Visit, context: BrowserContext) -> None:
    visit.open()
    visit.is_online()
    visit.page.evaluate("""() => {
        const key = Object.keys(localStorage)[0];
        const kept = JSON.parse(localStorage[key]);
        kept.user = { email: "gone@example.com", tier: "full" };
        kept.credential = { ...kept.credential, kind: "session", token: "cks_" + "x".repeat(43) };
        localStorage[key] = JSON.stringify(kept);
    }""")
    visit.page.reload()
    expect(visit.notice("Your session has ended")).to_be_visible()
    assert visit.heard("identity.change")[-1]["state"] == "SESSION_EXPIRED"
    visit.ask('{"tokens": 1}')
    visit.is_answered()


def test_the_hint_comes_after_five_answers_and_stays_away_when_dismissed(visit: Visit) -> None:
    visit.open()
    for number in range(5):
        expect(visit.part(".chatkit-soft-prompt")).to_have_count(0)
        visit.ask('{"tokens": 1}')
        visit.is_answered(number + 1)
    expect(visit.part(".chatkit-soft-prompt")).to_be_visible()
    visit.button("Dismiss").click()
    visit.ask('{"tokens": 1}')
    visit.is_answered(6)
    expect(visit.part(".chatkit-soft-prompt")).to_have_count(0)
    assert {"soft_prompt_shown", "soft_prompt_dismissed"} <= set(visit.logged())


def test_feedback_copying_and_saying_it_differently(visit: Visit, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.open().ask('{"tokens": 3}')
    visit.is_answered()
    visit.button("Copy the answer").click()
    expect(visit.button("Copied")).to_be_visible()
    assert visit.page.evaluate("() => navigator.clipboard.readText()") == "0 1 2 "
    visit.button("Poor answer").click()
    visit.page.get_by_label("What was wrong?").fill("Too short")
    visit.button("Send feedback").click()
    expect(visit.part(".comment")).to_have_count(0)
    visit.page.reload()
    expect(visit.button("Poor answer")).to_have_attribute("aria-pressed", "true")
    visit.button("Edit and send again").click()
    expect(visit.input).to_have_value('{"tokens": 3}')
