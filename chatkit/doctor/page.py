"""The page that is to show the widget: its tags, its policy, and whether browsers let the two meet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from chatkit.doctor import policy
from chatkit.doctor.findings import Finding
from chatkit.network import parse

MODULE = "/static/chatkit/chatkit.js"


@dataclass(frozen=True, slots=True)
class Script:
    address: str
    kind: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Embedding:
    """What a page says about the widget."""

    script: Script | None
    servers: list[str] = field(default_factory=list)
    has_element: bool = False
    policies: list[policy.Directives] = field(default_factory=list)


def origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()


def is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    found = parse(f"[{host}]" if ":" in host else host)
    return host == "localhost" or host.endswith(".localhost") or (found is not None and found.is_loopback)


def read(html: str, *, address: str, policies: Sequence[str]) -> Embedding:
    tree = LexborHTMLParser(html)
    metas = [
        str(meta.attributes.get("content") or "")
        for meta in tree.css("meta[http-equiv]")
        if str(meta.attributes.get("http-equiv")).lower() == "content-security-policy"
    ]
    elements = tree.css("chatkit-widget")
    return Embedding(
        script=script_in(tree, address),
        servers=[str(element.attributes.get("server")) for element in elements if element.attributes.get("server")],
        has_element=bool(elements),
        policies=policy.policies_of(policies, metas),
    )


def script_in(tree: LexborHTMLParser, address: str) -> Script | None:
    for tag in tree.css("script[src]"):
        source = urljoin(address, str(tag.attributes.get("src") or ""))
        if urlsplit(source).path.endswith("/chatkit.js"):
            return Script(source, str(tag.attributes.get("type") or ""), str(tag.attributes.get("nonce") or ""))
    return None


def findings(found: Embedding, *, address: str, server: str) -> list[Finding]:
    module = found.script.address if found.script else server + MODULE
    nonce = found.script.nonce if found.script else ""
    blocked = policy.widget_findings(found.policies, page=address, server=server, module=module, nonce=nonce)
    return [*blocked, *tag_findings(found, server)]


def tag_findings(found: Embedding, server: str) -> list[Finding]:
    tag = f'<script type="module" src="{server}{MODULE}"></script>'
    if found.script is None:
        problem = "The page as the server sends it holds no script of the widget."
        return [Finding(problem, f"Put it there, unless a script of the page adds it later: {tag}", is_advice=True)]
    problems = []
    if found.script.kind != "module":
        problems.append(
            Finding("The widget's script tag is not of type module, so that it does not run.", f"Use: {tag}")
        )
    if origin_of(found.script.address) != server:
        other = origin_of(found.script.address)
        problems.append(Finding(f"The page loads the widget from {other} and not from {server}.", f"Use: {tag}"))
    if not found.has_element:
        remedy = f'Add, unless a script does: <chatkit-widget server="{server}"></chatkit-widget>'
        problems.append(Finding("The page has the script and no <chatkit-widget>.", remedy, is_advice=True))
    for other in {origin_of(named) for named in found.servers} - {server}:
        remedy = f'Write: <chatkit-widget server="{server}"></chatkit-widget>'
        problems.append(Finding(f"The page's widget talks to {other} and not to {server}.", remedy))
    return problems


def transport_findings(*, server: str, site: str) -> list[Finding]:
    """Browsers refuse insecure requests of secure pages, and the widget refuses insecure pages."""
    found = []
    if server.startswith("http:") and not is_loopback(server):
        problem = f"{server} is not HTTPS: secure pages may not call it, and tokens could be read on the way."
        remedy = "Put a proxy that speaks TLS in front, and set BASE_URL and the snippet to its https address."
        found.append(Finding(problem, remedy))
    if site.startswith("http:") and not is_loopback(site):
        remedy = "Serve the site over HTTPS; only pages on localhost may do without."
        found.append(Finding(f"{site} is not HTTPS, so that the widget refuses to start there.", remedy))
    return found
