"""Behind proxies: the owner says whom to believe, and nobody else is."""

from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit.config import Config
from chatkit.network import Scope, counted_address, is_direct_loopback, parse, with_real_client
from tests.live import LiveServer

PROXIED = Config(trusted_proxies=["10.0.0.0/8", "192.0.2.1"])


def scope(peer: str, kind: str = "http", **headers: str) -> Scope:
    encoded = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": kind, "client": (peer, 4711), "scheme": "ws" if kind == "websocket" else "http", "headers": encoded}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", "198.51.100.7", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 192.0.2.1", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:51234", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, nonsense, 10.0.0.2", "10.0.0.2"),
    ],
)
def test_the_client_is_the_nearest_hop_that_no_trusted_proxy_is(peer: str, forwarded: str, client: str) -> None:
    assert with_real_client(scope(peer, x_forwarded_for=forwarded), PROXIED)["client"][0] == client


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
def test_a_trusted_proxy_names_the_scheme(kind: str, scheme: str) -> None:
    assert with_real_client(scope("10.0.0.1", kind, x_forwarded_proto="https"), PROXIED)["scheme"] == scheme


def test_a_stranger_cannot_name_the_scheme() -> None:
    assert with_real_client(scope("203.0.113.5", x_forwarded_proto="https"), PROXIED)["scheme"] == "http"


@given(st.text(max_size=80))
def test_no_header_breaks_the_reading(text: str) -> None:
    sent = text.encode("utf-8", "surrogatepass").decode("latin-1")
    client = with_real_client(scope("10.0.0.1", x_forwarded_for=sent), PROXIED)["client"][0]
    assert parse(client) is not None


def test_an_ipv6_caller_counts_by_its_network() -> None:
    assert counted_address("2001:db8:1:2:3:4:5:6") == counted_address("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert counted_address("203.0.113.5") == "203.0.113.5"
    assert counted_address("") == "unknown"


def test_loopback_that_speaks_for_others_is_not_local() -> None:
    assert is_direct_loopback("127.0.0.1", is_forwarded=False)
    assert not is_direct_loopback("127.0.0.1", is_forwarded=True)
    assert not is_direct_loopback("203.0.113.5", is_forwarded=False)


def test_https_behind_a_trusted_proxy_gets_hsts(start_server: Callable[..., LiveServer]) -> None:
    server = start_server(TRUSTED_PROXIES="127.0.0.1")
    answer = httpx.get(f"{server.url}/health", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"})
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "client=203.0.113.9" in server.log()
