"""Whose request it is, behind proxies and without them."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from gateways.core.forwarded import FORWARDED, X_FORWARDED_FOR, Proxies, networks


class _Transport:
    def __init__(self, peer: str) -> None:
        self.peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self.peer, 1234) if name == "peername" else default


def network(
    peer: str, *sent: tuple[str, str], trusted: str = "10.0.0.0/8", header: str = X_FORWARDED_FOR
) -> str:
    request = make_mocked_request("GET", "/", headers=CIMultiDict(sent), transport=_Transport(peer))  # type: ignore[arg-type]
    return Proxies(networks(trusted.split(",")), header).network(request)


@pytest.mark.parametrize(
    ("peer", "sent", "found"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        # Anybody may send the header: only a proxy's counts.
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        # What the client itself sent stands before what the proxies added.
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9, 10.0.0.7"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.9.9.9, 10.0.0.7"], "10.9.9.9"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "unknown"),
        ("10.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["[2001:db8:1:2:ffff::1]:443"], "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("", [], "unknown"),
    ],
)
def test_the_client_is_the_last_that_is_no_trusted_proxy(peer: str, sent: list[str], found: str) -> None:
    assert network(peer, *((X_FORWARDED_FOR, value) for value in sent)) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("for=203.0.113.9", "203.0.113.9"),
        ('by=10.0.0.1;FOR="[2001:db8::1]:99";proto=https', "2001:db8::/64"),
        ("for=1.1.1.1, for=203.0.113.9;host=x", "203.0.113.9"),
        ("for=unknown", "unknown"),
        ("for=_hidden", "unknown"),
        ("host=x", "unknown"),
    ],
)
def test_forwarded_is_read_where_it_is_the_one_that_is_configured(value: str, found: str) -> None:
    assert network("10.0.0.1", (FORWARDED, value), header=FORWARDED) == found


def test_the_header_that_is_not_configured_says_nothing() -> None:
    """The proxy writes one of them; the other arrives as the client sent it."""
    sent = [(FORWARDED, "for=1.1.1.1"), (X_FORWARDED_FOR, "203.0.113.9")]
    assert network("10.0.0.1", *sent) == "203.0.113.9"
    assert network("10.0.0.1", *sent, header=FORWARDED) == "1.1.1.1"


def test_without_configured_proxies_nobody_is_believed() -> None:
    request = make_mocked_request(
        "GET", "/", headers={X_FORWARDED_FOR: "1.1.1.1"}, transport=_Transport("127.0.0.1")  # type: ignore[arg-type]
    )  # fmt: skip
    assert Proxies().network(request) == "127.0.0.1"


def test_a_flood_of_hops_is_read_from_its_end() -> None:
    hops = ", ".join(["1.1.1.1"] * 1000 + ["203.0.113.9"] + ["10.0.0.2"] * 5)
    assert network("10.0.0.1", (X_FORWARDED_FOR, hops)) == "203.0.113.9"
