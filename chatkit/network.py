"""Who is really calling, behind the proxies the owner trusts. One rule for HTTP and WebSocket."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from chatkit.config import Config

Scope = dict[str, Any]
Address = IPv4Address | IPv6Address


def parse(text: str) -> Address | None:
    """An address with an optional port or brackets, as proxies write it."""
    text = text.strip().removeprefix("[").split("]")[0] if text.strip().startswith("[") else text.strip()
    if text.count(":") == 1:
        text = text.split(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def header(scope: Scope, name: bytes) -> str:
    """All lines of one header, joined as HTTP allows."""
    return ",".join(value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name)


def nearest_untrusted(hops: Iterable[str], config: Config) -> Address | None:
    """Read from the right: each trusted proxy vouches for the hop to its left and for no other."""
    farthest = None
    for hop in reversed(list(hops)):
        address = parse(hop)
        if address is None:
            return farthest
        farthest = address
        if not is_trusted(address, config):
            return address
    return farthest


def is_trusted(address: Address, config: Config) -> bool:
    return any(address in network for network in config.trusted_proxies)


def with_real_client(scope: Scope, config: Config) -> Scope:
    """The scope with the client and scheme that trusted proxies name; everybody else's headers are ignored."""
    if not config.trusted_proxies:
        return scope
    peer = parse((scope.get("client") or ("", 0))[0])
    if peer is None or not is_trusted(peer, config):
        return scope
    forwarded = header(scope, b"x-forwarded-for")
    client = nearest_untrusted(forwarded.split(","), config) if forwarded else None
    scheme = header(scope, b"x-forwarded-proto").split(",")[0].strip().lower()
    real: Scope = dict(scope)
    if client is not None:
        real["client"] = (str(client), 0)
    if scheme in {"http", "https"}:
        real["scheme"] = scheme if scope["type"] == "http" else scheme.replace("http", "ws")
    return real


def counted_address(remote_address: str) -> str:
    """What a limit per address counts: an IPv6 caller owns a whole /64, so that is one caller."""
    address = parse(remote_address)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address or "unknown")


def is_direct_loopback(remote_address: str, *, is_forwarded: bool) -> bool:
    """A local caller, and not a local proxy that nobody declared speaking for somebody else."""
    address = parse(remote_address)
    return address is not None and address.is_loopback and not is_forwarded
