"""What would keep the widget from a page is named, with its remedy: each fault seeded into a real proxy or page."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from chatkit.doctor.examination import examine
from chatkit.doctor.findings import Report
from chatkit.embedding import File, Site, policy_for
from tests.doctor.proxy import Fault, Headers, Proxy, with_header, without
from tests.live import LiveServer, run_manage
from tests.services import free_port

SITE = "https://www.example.com"
FIRST_HASHED = "/static/chatkit/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    port = str(free_port())
    chosen = {
        "PORT": port,
        "BASE_URL": f"http://127.0.0.1:{port}",
        "CORS_ORIGINS": SITE,
        "TRUSTED_PROXIES": "127.0.0.1",
        "RATE_LIMITS__VISITOR": "none",
    }
    with LiveServer(tmp_path_factory.mktemp("doctor"), **chosen) as started:
        yield started


@contextmanager
def page(policy: str = "", html: str = "") -> Iterator[str]:
    """Somebody's page, on an origin of its own."""
    headers = {"Content-Security-Policy": policy} if policy else {}
    site = Site({"/": File("text/html; charset=utf-8", html.encode(), headers)})
    thread = Thread(target=site.serve_forever, daemon=True)
    thread.start()
    yield f"{site.url}/"
    site.shutdown()
    thread.join()
    site.server_close()


def embedding(server: str) -> str:
    tag = f'<script type="module" src="{server}/static/chatkit/chatkit.js"></script>'
    return f'<!doctype html><title>A shop</title>{tag}<chatkit-widget server="{server}"></chatkit-widget>'


def examined(server: LiveServer, fault: Fault = Fault(), *, origin: str = SITE) -> Report:  # noqa: B008 - frozen
    with Proxy(server.url, fault) as proxy:
        return examine(proxy.url, origins=[origin])


def problems(report: Report) -> dict[str, str]:
    """Topic to what was found there, without what every test through a proxy finds: its other address."""
    found = {result.topic: result for result in report.results if result.findings and result.topic != "address"}
    return {
        topic: " ".join(f"{finding.problem} {finding.remedy}" for finding in result.findings)
        for topic, result in found.items()
    }


def test_a_healthy_server_has_no_findings(server: LiveServer) -> None:
    report = examine(server.url, origins=[SITE])
    assert [(result.topic, result.status) for result in report.results if result.status != "ok"] == []
    assert len(report.results) == 12


def test_a_healthy_proxy_has_no_findings(server: LiveServer) -> None:
    assert problems(examined(server)) == {}


def hashed_only(path: str, headers: Headers) -> Headers:
    """The widget's own address is as it should be; what it imports is not."""
    return (
        headers
        if path.endswith("/chatkit.js")
        else with_header("content-type", "text/plain", on=FIRST_HASHED)(path, headers)
    )


def missing(part: str, status: int = 404) -> Fault:
    return Fault(status=lambda method, path: status if path.startswith(part) else None)


def twice(path: str, headers: Headers) -> Headers:
    again = [pair for pair in headers if pair[0] == b"access-control-allow-origin"]
    return [*headers, *again]


SEEDED = {
    "CORS headers stripped": (
        Fault(headers=without("access-control-allow-origin")),
        {"module": "Access-Control-Allow-Origin is missing", "cors": "let the proxy pass ChatKit's Access-Control-"},
    ),
    "CORS headers doubled": (
        Fault(headers=twice),
        {"module": "Access-Control-Allow-Origin twice", "cors": "Let the proxy add no CORS headers"},
    ),
    "preflight refused": (
        Fault(status=lambda method, path: 405 if method == "OPTIONS" else None),
        {"cors": "OPTIONS requests are answered with 405"},
    ),
    "answers cached for another site": (
        Fault(headers=with_header("access-control-allow-origin", "https://other.example.com", on="/api/")),
        {"cors": "Access-Control-Allow-Origin is for https://other.example.com"},
    ),
    "module missing": (missing("/static/"), {"module": "chatkit.js answers 404"}),
    "wrong type": (
        Fault(headers=with_header("content-type", "text/plain", on="/static/")),
        {"module": "comes as text/plain"},
    ),
    "imports of a wrong type": (Fault(headers=hashed_only), {"module": "comes as text/plain"}),
    "upgrade blocked": (Fault(passes_upgrades=False), {"socket": "proxy_set_header Upgrade"}),
    "subprotocol lost": (Fault(passes_subprotocols=False), {"socket": "Sec-WebSocket-Protocol"}),
    "stream gathered": (Fault(gathers=True), {"stream": "proxy_buffering off"}),
    "clock off": (
        Fault(headers=with_header("date", "Sat, 01 Jan 2000 00:00:00 GMT")),
        {"clock": "seconds behind this machine's"},
    ),
    "cookie set": (
        Fault(headers=with_header("set-cookie", "route=1; Path=/", on="/api/")),
        {"cookies": "sets a cookie named route"},
    ),
    "calls blocked": (
        Fault(status=lambda method, path: 403 if method == "POST" else None),
        {"origin": "Something before ChatKit refuses"},
    ),
    "host name lost": (Fault(host="upstream.internal"), {"origin": "ALLOWED_HOSTS"}),
    "nothing behind the proxy": (missing("/", 502), {"server": "finds no ChatKit behind it"}),
    "redirected": (missing("/", 301), {"server": "redirects"}),
    "something else": (missing("/", 200), {"server": "is not ChatKit"}),
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_seeded_fault_is_named_with_its_remedy(server: LiveServer, name: str) -> None:
    fault, expected = SEEDED[name]
    found = problems(examined(server, fault))
    assert found.keys() == expected.keys(), found
    for topic, words in expected.items():
        assert words.lower() in found[topic].lower()


def test_an_origin_that_is_not_listed_is_named(server: LiveServer) -> None:
    report = examine(server.url, origins=["https://stranger.example.com"])
    assert "CORS_ORIGINS does not list them" in problems(report)["origin"]


def test_a_proxy_that_nobody_declared_is_named(server: LiveServer) -> None:
    chosen = {**server.settings, "TRUSTED_PROXIES": "", "PORT": "0"}
    with LiveServer(server.folder, **chosen) as unaware:
        assert "Set TRUSTED_PROXIES=127.0.0.1" in problems(examined(unaware))["proxies"]


def test_a_scheme_that_the_proxy_keeps_to_itself_is_named(server: LiveServer) -> None:
    found = problems(examined(server, Fault(claims_scheme="https")))
    assert "believes that it is reached over https" in found["proxies"]


def test_an_address_that_callers_choose_is_named(server: LiveServer) -> None:
    chosen = {**server.settings, "TRUSTED_PROXIES": "0.0.0.0/0", "PORT": "0"}
    with LiveServer(server.folder, **chosen) as gullible:
        found = problems(examined(gullible, Fault(appends_unread=True)))
    assert "pretend to come from any address" in found["proxies"]


def test_another_address_in_the_snippet_is_named(server: LiveServer) -> None:
    with Proxy(server.url, Fault()) as proxy:
        report = examine(proxy.url, origins=[SITE])
        [result] = [result for result in report.results if result.topic == "address"]
        assert result.findings[0].remedy == f"Set BASE_URL={proxy.url}."


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("default-src 'self'", ["script-src 'self' {server}", "connect-src 'self' {server} {socket}"]),
        ("script-src {server}; connect-src {server}", ["connect-src {server} {socket}"]),
        ("script-src 'none'", ["read: script-src {server}"]),
        ("script-src 'nonce-abc' 'strict-dynamic'", ["nonce of the page's other scripts"]),
        ("sandbox allow-scripts", ["allow-same-origin"]),
    ],
)
def test_a_policy_that_blocks_the_widget_is_named_with_its_line(
    server: LiveServer, policy: str, words: list[str]
) -> None:
    named = {"server": server.url, "socket": f"ws{server.url.removeprefix('http')}"}
    with page(policy.format(**named), embedding(server.url)) as site:
        found = problems(examine(server.url, site=site, origins=[SITE]))["page"]
    for word in words:
        assert word.format(**named) in found


def test_the_documented_policy_is_enough(server: LiveServer) -> None:
    with page(policy_for(server.url), embedding(server.url)) as site:
        assert "page" not in problems(examine(server.url, site=site, origins=[SITE]))


def test_a_policy_in_the_page_itself_counts(server: LiveServer) -> None:
    meta = '<meta http-equiv="Content-Security-Policy" content="connect-src \'self\'">'
    with page(html=meta + embedding(server.url)) as site:
        assert "connect-src 'self'" in problems(examine(server.url, site=site, origins=[SITE]))["page"]


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>Nothing", "holds no script of the widget"),
        ('<script src="{server}/static/chatkit/chatkit.js"></script>', "not of type module"),
        ('<script type="module" src="/chatkit.js"></script>', "loads the widget from"),
        ('<script type="module" src="{server}/static/chatkit/chatkit.js"></script>', "no <chatkit-widget>"),
        ('<chatkit-widget server="https://b.example"></chatkit-widget>{tags}', "talks to https://b.example"),
    ],
)
def test_a_wrong_tag_is_named(server: LiveServer, html: str, words: str) -> None:
    with page(html=html.replace("{tags}", embedding(server.url)).replace("{server}", server.url)) as site:
        assert words in problems(examine(server.url, site=site, origins=[SITE]))["page"]


def test_a_server_that_does_not_answer_is_a_finding() -> None:
    report = examine(f"http://127.0.0.1:{free_port()}", site=f"http://127.0.0.1:{free_port()}/")
    assert [result.topic for result in report.results if result.findings] == ["page", "server"]


def test_a_server_that_speaks_something_else_is_a_finding() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=lambda: listener.accept()[0].sendall(b"220 mail.example.com ESMTP\r\n"), daemon=True)
        thread.start()
        found = problems(examine(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join()
    assert "breaks the connection off" in found["server"]


def test_the_command_tells_people_and_programs(server: LiveServer) -> None:
    told = run_manage("chatkit_doctor", environment=server.settings)
    assert (told.returncode, told.stderr) == (0, "")
    assert "Nothing is wrong." in told.stdout
    as_json = run_manage("chatkit_doctor", "--json", "--server", "http://127.0.0.1:9", environment=server.settings)
    assert as_json.returncode == 1
    assert not json.loads(as_json.stdout)["is_healthy"]


@pytest.mark.parametrize("address", ["example.com", "ftp://example.com", "https://"])
def test_an_address_that_is_none_is_refused(server: LiveServer, address: str) -> None:
    ended = run_manage("chatkit_doctor", "--site", address, environment=server.settings)
    assert ended.returncode == 1
    assert "--site: use an address such as" in ended.stderr
