"""Where a request comes from: the address that our own outermost proxy saw, in prefixes, and never in clear."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from flask import Flask

from petition.web import network as network_module
from petition.web.network import client_address, network, prefix


def seen(peer: str, forwarded: str | None, proxies: int) -> str:
    environ = {"REMOTE_ADDR": peer} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    return str(client_address(environ, proxies))


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "expected"),
    [
        ("192.0.2.1", None, 0, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", 0, "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", 1, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", 1, "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7,203.0.113.9", 2, "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9", 2, "10.0.0.1"),
        ("10.0.0.1", "not an address", 1, "10.0.0.1"),
        ("10.0.0.1", "", 1, "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6:1, 203.0.113.9:4711", 1, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7:4711, 203.0.113.9:4712", 2, "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:4711", 1, "2001:db8::1"),
        ("10.0.0.1", '"[2001:db8::1]:4711"', 1, "2001:db8::1"),
        ("10.0.0.1", "[2001:db8::1]", 1, "2001:db8::1"),
        ("10.0.0.1", "2001:db8::1", 1, "2001:db8::1"),
        ("10.0.0.1", "2001:db8:0:aa00:0:0:0:1:54321", 1, "2001:db8:0:aa00::1"),
        ("10.0.0.1", "[::ffff:203.0.113.9]:4711", 1, "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9:", 1, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9:port", 1, "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::1", 1, "10.0.0.1"),
        ("10.0.0.1", "unknown", 1, "10.0.0.1"),
        ("10.0.0.1", None, 1, "10.0.0.1"),
        ("::ffff:192.0.2.1", None, 0, "192.0.2.1"),
        ("2001:db8::1", None, 0, "2001:db8::1"),
        ("", None, 0, "::"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    peer: str, forwarded: str | None, proxies: int, expected: str
) -> None:
    """P24."""
    assert seen(peer, forwarded, proxies) == expected


def test_a_subscriber_is_one_ipv4_address_or_one_ipv6_56() -> None:
    """P59."""
    assert prefix(ip_address("192.0.2.1")) != prefix(ip_address("192.0.2.2"))
    assert prefix(ip_address("2001:db8:0:aa00::1")) == prefix(ip_address("2001:db8:0:aaff:1::2"))
    assert prefix(ip_address("2001:db8:0:aa00::1")) != prefix(ip_address("2001:db8:0:ab00::1"))


def test_a_port_behind_the_address_does_not_make_a_network_of_its_own(app: Flask) -> None:
    """P59. `2001:db8:0:aa00::1:4711` may be an address or an address with a port; both are in the same /56."""
    assert seen("10.0.0.1", "203.0.113.9:1", 1) == seen("10.0.0.1", "203.0.113.9:65535", 1)
    prefixes = {prefix(ip_address(seen("10.0.0.1", f"2001:db8:0:aa00::1:{port}", 1))) for port in (80, 4711, 65535)}
    assert len(prefixes) == 1


def test_a_proxy_that_hides_its_clients_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Everybody behind it shares one limit, and the line names nobody."""
    network_module._warned.set(value=False)
    for forwarded in ("unknown", "203.0.113.9:x", "unknown"):
        seen("10.0.0.1", forwarded, 1)
    lines = [str(record.msg) for record in caplog.records if record.name == network_module.__name__]
    assert len(lines) == 1
    assert "203.0.113" not in lines[0]
    assert "10.0.0.1" not in lines[0]


def test_network_is_a_keyed_hash_that_forged_headers_do_not_change(app: Flask) -> None:
    def hashed(peer: str, forwarded: str) -> bytes:
        with app.test_request_context(environ_base={"REMOTE_ADDR": peer}, headers={"X-Forwarded-For": forwarded}):
            return network()

    plain = hashed("192.0.2.1", "")
    assert [hashed("192.0.2.1", f"6.6.6.{n}") for n in range(20)] == [plain] * 20
    assert hashed("192.0.2.2", "") != plain
    assert len(plain) == 16
    assert ip_address("192.0.2.1").packed not in plain
