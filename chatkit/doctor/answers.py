"""What is wrong with an answer, as the browser of a visitor would see it. Nothing here asks the network."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urljoin

from chatkit.doctor.findings import Finding
from chatkit.doctor.probes import Answer, Handshake, Streamed

JAVASCRIPT = {"text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript"}
IMPORT = re.compile(r"""\b(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*\(?\s*["'](\.{1,2}/[^"']+)["']""")
SENT_HEADERS = ("authorization", "content-type")
READ_HEADERS = ("retry-after", "x-request-id")
LARGEST_SKEW = 30.0
SPOOFED = "192.0.2.99"  # an address of no machine, reserved for documentation


def liveness(answer: Answer) -> list[Finding]:
    match answer.status:
        case 200 if answer.json().get("status") == "ok":
            return []
        case 200:
            return [Finding(f"{answer.url} answers, and is not ChatKit.", "Correct the address, or the proxy's route.")]
        case 301 | 302 | 303 | 307 | 308:
            target = answer.headers.get("location", "elsewhere")
            remedy = (
                "Use the address that it leads to in BASE_URL and in the snippet: scripts do not follow everywhere."
            )
            return [Finding(f"{answer.url} redirects to {target}.", remedy)]
        case 502 | 503 | 504:
            remedy = "Start ChatKit, and correct the address that the proxy passes requests to."
            return [Finding(f"{answer.url} answers {answer.status}: the proxy finds no ChatKit behind it.", remedy)]
    remedy = "Correct the address; if a proxy or firewall stands before ChatKit, let /health through."
    return [Finding(f"{answer.url} answers {answer.status}.", remedy)]


def clock(answer: Answer, now: datetime) -> list[Finding]:
    try:
        told = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return []
    skew = (told.replace(tzinfo=told.tzinfo or UTC) - now).total_seconds()
    if abs(skew) <= LARGEST_SKEW:
        return []
    problem = f"The server's clock is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} this machine's."
    remedy = "Set both by NTP (timedatectl set-ntp true): tokens and codes end early or late otherwise."
    return [Finding(problem, remedy)]


def admission(answer: Answer, *, origin: str, is_listed_here: bool) -> list[Finding]:
    """Whether the server lets pages of this origin in at all."""
    if answer.status == 200:
        return []
    if answer.status == 400:
        remedy = "Set BASE_URL to this address, or add its host to ALLOWED_HOSTS; let the proxy pass the Host header."
        return [Finding(f"The server does not answer for the host name in {answer.url}.", remedy)]
    if answer.status == 403 and answer.json().get("error") == "forbidden":
        problem = f"The server refuses pages of {origin}: its CORS_ORIGINS does not list them."
        if is_listed_here:
            return [Finding(problem, "The settings here list it: the server was started with others. Restart it.")]
        return [Finding(problem, f"Add {origin} to CORS_ORIGINS and restart ChatKit.")]
    if answer.status == 403:
        problem = f"Something before ChatKit refuses pages of {origin} with 403."
        return [Finding(problem, "Let the proxy or firewall pass POST requests of /api/ with an Origin header.")]
    if answer.status == 429:
        remedy = f"Wait {answer.headers.get('retry-after', 'some')} seconds and start again."
        return [Finding("This address asked for too many visitor tokens.", remedy)]
    said = f": {answer.says}" if answer.says else "."
    remedy = "Look into ChatKit's log for this request."
    return [Finding(f"A new visitor gets {answer.status} instead of a token{said}", remedy)]


def cors(answer: Answer, origin: str, *, what: str) -> list[Finding]:
    """The header without which a browser hides the answer from the page."""
    allowed = answer.headers.get("access-control-allow-origin", "")
    if allowed in {"*", origin}:
        return []
    if "," in allowed:
        remedy = "Let the proxy add no CORS headers: ChatKit sends them, and browsers refuse two."
        return [Finding(f"{what} carries Access-Control-Allow-Origin twice: {allowed}.", remedy)]
    remedy = "Let the proxy pass ChatKit's Access-Control-* headers, and cache nothing without its Vary header."
    seen = f"is for {allowed}" if allowed else "is missing"
    return [Finding(f"{what} is hidden from the page: Access-Control-Allow-Origin {seen}.", remedy)]


def preflight(answer: Answer, origin: str) -> list[Finding]:
    found = cors(answer, origin, what="The answer to the browser's question before each call (OPTIONS)")
    if answer.status >= 300:
        remedy = "Let the proxy pass OPTIONS requests to ChatKit."
        found = [Finding(f"OPTIONS requests are answered with {answer.status}.", remedy)]
    if found:
        return found
    missing = missing_words(answer, "access-control-allow-headers", SENT_HEADERS)
    if not missing:
        return []
    remedy = "Let the proxy pass OPTIONS requests to ChatKit instead of answering them itself."
    return [Finding(f"The widget may not send these headers: {', '.join(missing)}.", remedy)]


def readable(answer: Answer) -> list[Finding]:
    missing = missing_words(answer, "access-control-expose-headers", READ_HEADERS)
    if not missing:
        return []
    remedy = "Let the proxy pass ChatKit's Access-Control-Expose-Headers."
    return [Finding(f"The widget may not read these headers: {', '.join(missing)}.", remedy, is_advice=True)]


def missing_words(answer: Answer, header: str, wanted: Iterable[str]) -> list[str]:
    listed = {word.strip().lower() for word in answer.headers.get(header, "").split(",")}
    return [] if "*" in listed else [word for word in wanted if word not in listed]


def module(answer: Answer, origin: str) -> list[Finding]:
    """A file of the widget: browsers are strict about the type and the CORS header of modules."""
    if answer.status != 200:
        remedy = "Run manage.py collectstatic (serve does), and let the proxy pass /static/ to ChatKit."
        return [Finding(f"The widget's file {answer.url} answers {answer.status}.", remedy)]
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in JAVASCRIPT:
        remedy = "Let ChatKit serve /static/, or teach the proxy that .js is text/javascript."
        return [Finding(f"{answer.url} comes as {kind or 'no type at all'}, so that browsers do not run it.", remedy)]
    return cors(answer, origin, what=f"The widget's file {answer.url}")


def imports(answer: Answer) -> list[str]:
    return [urljoin(answer.url, path) for path in IMPORT.findall(answer.body)]


def cookies(answers: Iterable[Answer]) -> list[Finding]:
    names: dict[str, str] = {}
    for answer in answers:
        for cookie in answer.headers.get_list("set-cookie"):
            names.setdefault(cookie.partition("=")[0].strip(), answer.url)
    remedy = "Switch it off in the proxy (sticky sessions, bot checks): ChatKit needs none, and consent banners would."
    return [Finding(f"{url} sets a cookie named {name}.", remedy) for name, url in names.items()]


def rhythm(streamed: Streamed) -> list[Finding]:
    """Whether events arrive as they are sent. The server says how far apart that was."""
    answer = streamed.answer
    if answer.status != 200:
        remedy = "Let the proxy pass /api/ to ChatKit; an older server has no such address and should be updated."
        return [Finding(f"{answer.url} answers {answer.status}.", remedy)]
    sent = [body.get("sent", 0.0) for name, body in streamed.events if name == "beat"]
    if len(sent) < 2:
        return [Finding(f"{answer.url} holds no events.", "Let the proxy pass streams of events unchanged.")]
    if streamed.arrivals[-1] - streamed.arrivals[0] >= (sent[-1] - sent[0]) / 2:
        return []
    problem = f"Events sent over {sent[-1] - sent[0]:.1f} seconds arrive together: something gathers the stream."
    remedy = "Switch response buffering and compression off for /api/ (nginx: proxy_buffering off; gzip off;)."
    return [Finding(problem, remedy)]


def answer_stream(streamed: Streamed) -> list[Finding]:
    """A question as the widget asks it where WebSockets do not work."""
    answer = streamed.answer
    if answer.status != 200:
        said = answer.says or f"It answers {answer.status}."
        return [Finding(f"A question gets no answer. {said}", "Look into ChatKit's log for this request.")]
    last, body = streamed.events[-1] if streamed.events else ("nothing", {})
    if last == "done":
        return []
    if last == "error":
        said = str(body.get("message", ""))
        return [Finding(f"An answer fails: {said}", "Look into ChatKit's log; check AGENT and its key.")]
    return [
        Finding("The stream of an answer breaks off.", "Raise the proxy's time limit for /api/ to 75 seconds or more.")
    ]


def socket(handshake: Handshake) -> list[Finding]:
    if handshake.status == 403:
        remedy = "Let the proxy pass the Origin and Host headers of WebSockets unchanged."
        return [Finding("The WebSocket is refused with 403, although calls from this page are not.", remedy)]
    if handshake.status:
        problem = f"The WebSocket does not get through: the upgrade is answered with {handshake.status}."
        return [Finding(problem, UPGRADE)]
    if handshake.problem:
        return [Finding(f"The WebSocket does not get through: {handshake.problem}.", UPGRADE)]
    if handshake.subprotocol != "jwt-auth":
        remedy = "Let the proxy pass Sec-WebSocket-Protocol in both directions: browsers close the socket otherwise."
        return [Finding("The WebSocket loses its subprotocol on the way.", remedy)]
    if not handshake.is_ready:
        return [Finding("What answers the WebSocket is not ChatKit.", "Let the proxy pass /ws to ChatKit.")]
    return []


UPGRADE = (
    "Let the proxy pass upgrades of /ws (nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    'proxy_set_header Connection "upgrade";).'
)


def proxies(seen: dict[str, object], *, server: str, is_local: bool) -> list[Finding]:
    """Whether limits count visitors or the proxy, and whether the server knows that it is secure."""
    address, scheme = str(seen.get("address", "")), str(seen.get("scheme", ""))
    if seen.get("proxy") == "ignored":
        problem = f"All visitors look as if they came from {address}: a proxy names them, and is not believed."
        return [Finding(problem, f"Set TRUSTED_PROXIES={address} and restart ChatKit.")]
    if scheme and not server.startswith(f"{scheme}:"):
        remedy = f"Let the proxy send X-Forwarded-Proto, and name the proxy: TRUSTED_PROXIES={address}."
        return [Finding(f"The server believes that it is reached over {scheme}, and it is not.", remedy)]
    if seen.get("proxy") == "none" and not is_local and is_private(address):
        remedy = f"Let the proxy send X-Forwarded-For, and set TRUSTED_PROXIES={address}."
        return [Finding(f"Visitors from outside look as if they came from {address}.", remedy, is_advice=True)]
    return []


def spoofing(seen: dict[str, object]) -> list[Finding]:
    if seen.get("address") != SPOOFED:
        return []
    remedy = "Let TRUSTED_PROXIES name your proxies alone, and let the outermost overwrite X-Forwarded-For."
    return [Finding("Anybody can pretend to come from any address, and so pass every limit per address.", remedy)]


def is_private(address: str) -> bool:
    try:
        return not ip_address(address).is_global
    except ValueError:
        return False


def announced(told: Sequence[str], server: str) -> list[Finding]:
    """The address in the snippet of the server's own front page."""
    others = sorted(set(told) - {server})
    return [
        Finding(
            f"The server takes {other} for its own address: mails and the snippet name it.", f"Set BASE_URL={server}."
        )
        for other in others
    ]
