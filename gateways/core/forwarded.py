"""The client's address: the connection's, or what a configured proxy in front of us says it is.

Anybody can send X-Forwarded-For, so it counts only from TRUSTED_PROXIES, and is read from its end: the last
address that is not a trusted proxy's is the client. Addresses of IPv6 count as their /64, which is what one
subscriber gets.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
X_FORWARDED_FOR: Final = "X-Forwarded-For"
FORWARDED: Final = "Forwarded"
UNKNOWN: Final = "unknown"
_MAX_HOPS: Final = 20
_FOR: Final = re.compile(r'(?:^|;)\s*for\s*=\s*("[^"]*"|[^;\s]*)', re.IGNORECASE)  # RFC 7239


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks of texts such as `10.0.0.0/8` or `127.0.0.1`. Raises ValueError naming a wrong one."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


@dataclass(frozen=True, slots=True)
class Proxies:
    """Who may speak for a client, and in which one header: the other could come from the client itself."""

    trusted: tuple[Network, ...] = ()
    header: str = X_FORWARDED_FOR

    def client(self, request: web.Request) -> Address | None:
        """The client's address; None if it is not known (a Unix socket, or nonsense from a proxy)."""
        address = parsed(request.remote or "")
        if address is None or not self._trusts(address):
            return address
        for text in reversed(self._chain(request)):
            address = parsed(text)
            if address is None or not self._trusts(address):
                return address
        return address

    def network(self, request: web.Request) -> str:
        """What counts as one client in limits: an IPv4 address or an IPv6 /64; `unknown` otherwise."""
        return network_of(self.client(request))

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self.trusted)

    def _chain(self, request: web.Request) -> Sequence[str]:
        """What the proxies said, the nearest last; at most _MAX_HOPS of it."""
        entries = ",".join(request.headers.getall(self.header, ())).split(",")[-_MAX_HOPS:]
        if self.header != FORWARDED:
            return [entry.strip() for entry in entries if entry.strip()]
        found = (_FOR.search(entry.strip()) for entry in entries if entry.strip())
        return [match.group(1).strip('"') if match else "" for match in found]


def parsed(text: str) -> Address | None:
    """An address with or without port and brackets; IPv4 in IPv6 becomes IPv4. None if it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def network_of(address: Address | None) -> str:
    """An IPv4 address as it is, an IPv6 address as its /64."""
    if address is None:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Address(int(address) >> 64 << 64)) + "/64"
    return str(address)
