"""Content Security Policies of the pages that embed the widget: what they forbid, and the line that would allow it."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, urlsplit

from chatkit.doctor.findings import Finding

Directives = dict[str, list[str]]

SOURCE = re.compile(r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>\*|[\w.*-]+)(?P<port>:(?:\d+|\*))?(?P<path>/.*)?")
PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
# A policy for the insecure scheme allows the secure one too.
SECURE = {"http": "https", "ws": "wss"}
FALLBACKS = {"script-src-elem": ("script-src-elem", "script-src", "default-src")}


def parse(policy: str) -> Directives:
    """The first of directives with the same name counts."""
    found: Directives = {}
    for part in policy.split(";"):
        name, *sources = part.split() or [""]
        if name:
            found.setdefault(name.lower(), sources)
    return found


def policies_of(headers: Iterable[str], metas: Iterable[str]) -> list[Directives]:
    """Each policy restricts by itself; a header line may hold several, separated by commas."""
    written = [policy for header in headers for policy in header.split(",")]
    return [parsed for parsed in map(parse, [*written, *metas]) if parsed]


def effective(policy: Mapping[str, list[str]], directive: str) -> tuple[str, list[str]] | None:
    """The directive that decides and its sources; None where nothing is restricted."""
    for name in FALLBACKS.get(directive, (directive, "default-src")):
        if name in policy:
            return name, policy[name]
    return None


def allows(sources: Iterable[str], url: str, page: str, nonce: str = "") -> bool:
    sources = list(sources)
    if nonce and f"'nonce-{nonce}'" in sources:
        return True
    if "'strict-dynamic'" in sources:
        return False
    return any(matches(source, urlsplit(url), urlsplit(page)) for source in sources)


def matches(source: str, url: SplitResult, page: SplitResult) -> bool:
    """One source expression against one address, as browsers compare them."""
    source = source if "/" in source.partition("://")[2] else source.lower()
    if source == "*":
        return url.scheme in PORTS
    if source == "'self'":
        return same_host(url, page)
    if re.fullmatch(r"[a-z][a-z0-9+.-]*:", source):
        return scheme_matches(source[:-1], url.scheme)
    found = SOURCE.fullmatch(source)
    return found is not None and source_matches(found, url, page)


def source_matches(source: re.Match[str], url: SplitResult, page: SplitResult) -> bool:
    return (
        scheme_matches(source["scheme"] or page.scheme, url.scheme)
        and host_matches(source["host"].lower(), url.hostname or "")
        and port_matches(source["port"], source["scheme"] or page.scheme, url)
        and path_matches(source["path"] or "", url.path)
    )


def same_host(url: SplitResult, page: SplitResult) -> bool:
    """`'self'` includes sockets of the same host, and the secure scheme."""
    as_page = url.scheme.replace("ws", "http")
    return (
        scheme_matches(page.scheme, as_page)
        and url.hostname == page.hostname
        and port_matches(f":{page.port}" if page.port else None, page.scheme, url)
    )


def scheme_matches(allowed: str, scheme: str) -> bool:
    return scheme in {allowed, SECURE.get(allowed)}


def host_matches(pattern: str, host: str) -> bool:
    if pattern == "*":
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def port_matches(written: str | None, scheme: str, url: SplitResult) -> bool:
    port = url.port or PORTS.get(url.scheme)
    if written == ":*":
        return True
    wanted = int(written[1:]) if written else PORTS.get(scheme)
    # The secure scheme brings its own default port along.
    return port == wanted or (wanted == 80 and port == 443)


def path_matches(written: str, path: str) -> bool:
    if written in {"", "/"}:
        return True
    return path.startswith(written) if written.endswith("/") else path == written


def widget_findings(
    policies: Iterable[Directives], *, page: str, server: str, module: str, nonce: str = ""
) -> list[Finding]:
    """What the widget needs of its page: its script, and a way to its server over HTTP and WebSocket."""
    socket = re.sub("^http", "ws", server)
    found: list[Finding] = []
    for policy in policies:
        found += script_findings(policy, page=page, module=module, server=server, nonce=nonce)
        found += connection_findings(policy, page=page, needed=[server, socket])
        found += sandbox_findings(policy)
    return list(dict.fromkeys(found))


def script_findings(policy: Directives, *, page: str, module: str, server: str, nonce: str) -> list[Finding]:
    decides = effective(policy, "script-src-elem")
    if decides is None or allows(decides[1], module, page, nonce):
        return []
    name, sources = decides
    if any(source.startswith("'nonce-") for source in sources) and "'strict-dynamic'" in sources:
        remedy = "Give the widget's script tag the nonce of the page's other scripts: hosts do not count here."
        return [Finding(f"The page's {name} allows only scripts with its nonce.", remedy)]
    if "'strict-dynamic'" in sources:
        remedy = "Load the widget from a script that the page already trusts, or give its tag a nonce."
        return [Finding(f"The page's {name} has 'strict-dynamic', so that hosts do not count.", remedy)]
    return [
        Finding(f"The page's {name} does not allow scripts of {server}.", line_with("script-src", decides, [server]))
    ]


def connection_findings(policy: Directives, *, page: str, needed: list[str]) -> list[Finding]:
    decides = effective(policy, "connect-src")
    if decides is None:
        return []
    missing = [address for address in needed if not allows(decides[1], f"{address}/", page)]
    if not missing:
        return []
    problem = f"The page's {decides[0]} does not allow connections to {' and '.join(missing)}."
    return [Finding(problem, line_with("connect-src", decides, missing))]


def line_with(directive: str, decides: tuple[str, list[str]], added: list[str]) -> str:
    """The whole line, ready to copy: a directive of its own replaces what it inherited."""
    name = decides[0] if decides[0].startswith(directive) else directive
    kept = [source for source in decides[1] if source != "'none'"]
    return f"Make this line of the page's Content-Security-Policy read: {' '.join([name, *kept, *added])}"


def sandbox_findings(policy: Directives) -> list[Finding]:
    allowed = policy.get("sandbox")
    missing = (
        [] if allowed is None else [word for word in ("allow-scripts", "allow-same-origin") if word not in allowed]
    )
    if not missing:
        return []
    return [Finding("The page's policy puts it into a sandbox.", f"Add to its sandbox directive: {' '.join(missing)}")]
