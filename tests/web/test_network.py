"""Where a request comes from: the address that our own outermost proxy saw, in prefixes, and never in clear."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from flask import Flask

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


def test_network_is_a_keyed_hash_that_forged_headers_do_not_change(app: Flask) -> None:
    def hashed(peer: str, forwarded: str) -> bytes:
        with app.test_request_context(environ_base={"REMOTE_ADDR": peer}, headers={"X-Forwarded-For": forwarded}):
            return network()

    plain = hashed("192.0.2.1", "")
    assert [hashed("192.0.2.1", f"6.6.6.{n}") for n in range(20)] == [plain] * 20
    assert hashed("192.0.2.2", "") != plain
    assert len(plain) == 16
    assert ip_address("192.0.2.1").packed not in plain
