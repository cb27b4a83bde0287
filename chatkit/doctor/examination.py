"""The whole examination, topic by topic. What cannot be asked because something before it failed is not asked."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chatkit.doctor import answers, page, probes
from chatkit.doctor.findings import Finding, Report, Result
from chatkit.doctor.probes import Answer, Browser, Unreachable

MOST_FILES = 100
QUESTION = "Is anybody there?"
SNIPPET = re.compile(r"chatkit-widget server=(?:&quot;|\")(https?://[^&\"]+)")


def examine(server: str, *, site: str = "", origins: Sequence[str] = ()) -> Report:
    """`site` is the address of a page that embeds the widget; without one, the first listed origin is tried."""
    strangers = [origin for origin in origins if not page.is_loopback(origin)]
    origin = page.origin_of(site) if site else next(iter([*strangers, *origins]), server)
    report = Report(
        server, origin, [Result("https", "the addresses", page.transport_findings(server=server, site=origin))]
    )
    with Browser(server, origin) as browser:
        if site:
            report.results.append(embedding(browser, report, site))
        report.results.append(liveness(browser))
        if report.results[-1].status == "ok":
            report.results += serving(browser, origins)
    return report


def embedding(browser: Browser, report: Report, site: str) -> Result:
    """The page itself. Where it redirects to another origin, that is the one to list."""
    try:
        found = browser.page(site)
    except Unreachable as exc:
        return Result("page", site, [Finding(f"{site} {exc}.", "Correct the address of --site.")])
    if found.status != 200:
        return Result("page", site, [Finding(f"{site} answers {found.status}.", "Name a page that visitors can open.")])
    arrived = page.origin_of(found.url)
    browser.origin = report.origin = arrived
    policies = found.headers.get_list("content-security-policy")
    embedded = page.read(found.body, address=found.url, policies=policies)
    return Result("page", found.url, page.findings(embedded, address=found.url, server=browser.server))


def liveness(browser: Browser) -> Result:
    try:
        answer = browser.look("/health/live")
    except Unreachable as exc:
        remedy = "Start ChatKit, and look whether name, port and certificate in the address are right."
        return Result("server", browser.server, [Finding(f"{browser.server} {exc}.", remedy)])
    found = answers.liveness(answer)
    return Result("server", browser.server, found)


def serving(browser: Browser, origins: Sequence[str]) -> list[Result]:
    """What a living server can be asked."""
    steps = [clock, widget, lambda b: admitted(b, origins), connection, own_address, cookies]
    results: list[Result] = []
    for step in steps:
        try:
            results += step(browser)
        except Unreachable as exc:
            remedy = "Look into the logs of ChatKit and of the proxy before it."
            results.append(Result("network", browser.server, [Finding(f"{browser.server} {exc}.", remedy)]))
    return results


def clock(browser: Browser) -> list[Result]:
    answer = browser.look("/health/live")
    return [Result("clock", "the time of the server", answers.clock(answer, datetime.now(UTC)))]


def widget(browser: Browser) -> list[Result]:
    """The widget's module and everything it imports, by the hashed names that it is imported by."""
    waiting, asked, found = [browser.server + page.MODULE], set[str](), list[Finding]()
    while waiting and len(asked) < MOST_FILES:
        url = waiting.pop()
        if url in asked:
            continue
        asked.add(url)
        answer = browser.ask("GET", url)
        problems = answers.module(answer, browser.origin)
        found += problems
        waiting += [] if problems else answers.imports(answer)
    return [Result("module", f"{len(asked)} files of the widget", found)]


def admitted(browser: Browser, origins: Sequence[str]) -> list[Result]:
    """What needs a visitor: calls, the socket, a question."""
    answer = browser.ask("POST", "/api/v1/auth/visitor", json={})
    refused = answers.admission(answer, origin=browser.origin, is_listed_here=browser.origin in origins)
    results = [Result("origin", browser.origin, refused)]
    if refused:
        return results
    results.append(Result("cors", "calls from another origin", sharing(browser, answer)))
    token = str(answer.json().get("visitor_token", ""))
    results.append(Result("socket", "a WebSocket as the widget opens it", answers.socket(browser.open_socket(token))))
    return [*results, asked_question(browser, token)]


def sharing(browser: Browser, visitor: Answer) -> list[Finding]:
    if browser.origin == browser.server:
        return []
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": ",".join(answers.SENT_HEADERS)}
    before = answers.preflight(browser.ask("OPTIONS", "/api/v1/chat/stream", headers=asking), browser.origin)
    actual = answers.cors(visitor, browser.origin, what="The answer to a call of the widget")
    return [*before, *(actual or answers.readable(visitor))]


def asked_question(browser: Browser, token: str) -> Result:
    """One real question, whose conversation is deleted again."""
    headers = {"Authorization": f"Bearer {token}", "Origin": browser.origin}
    streamed = browser.stream("POST", "/api/v1/chat/stream", json={"message": QUESTION}, headers=headers)
    for _, body in streamed.events[-1:]:
        conversation = body.get("conversation_id") or (body.get("detail") or {}).get("conversation_id")
        if conversation:
            browser.ask("DELETE", f"/api/v1/conversations/{conversation}", headers=headers)
    return Result("answer", "a question and its streamed answer", answers.answer_stream(streamed))


def connection(browser: Browser) -> list[Result]:
    """The rhythm of a stream, and as whom the server sees who calls."""
    streamed = browser.stream("GET", probes.CONNECTION_CHECK)
    seen = seen_in(streamed.events)
    is_local = page.is_loopback(browser.server)
    found = answers.proxies(seen, server=browser.server, is_local=is_local)
    if seen.get("proxy") == "believed":
        pretending = {"X-Forwarded-For": answers.SPOOFED}
        found += answers.spoofing(seen_in(browser.stream("GET", probes.CONNECTION_CHECK, headers=pretending).events))
    return [
        Result("stream", "events with a known rhythm", answers.rhythm(streamed)),
        Result("proxies", f"seen as {seen.get('address', 'nobody')} over {seen.get('scheme', 'nothing')}", found),
    ]


def seen_in(events: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    return next((body for name, body in events if name == "seen"), {})


def own_address(browser: Browser) -> list[Result]:
    front = browser.page(f"{browser.server}/")
    return [
        Result(
            "address",
            "the snippet on the server's own page",
            answers.announced(SNIPPET.findall(front.body), browser.server),
        )
    ]


def cookies(browser: Browser) -> list[Result]:
    return [Result("cookies", f"{len(browser.answers)} answers", answers.cookies(browser.answers))]
