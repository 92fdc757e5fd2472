"""Who reports, as far as analytics knows it: the country but no address, the device but no user agent."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from gateways.core.app import CORE
from gateways.core.countries import Countries
from gateways.core.devices import device_of

LONGEST_HOST: Final = 253


def client_of(request: web.Request, countries: Countries) -> dict[str, Any]:
    """The fields `country`, `device`, `os`, `browser` and `bot` of the events."""
    device = device_of(request.headers.get(hdrs.USER_AGENT, ""))
    return {
        "country": countries.of(request.app[CORE].config.proxies.client(request)),
        "device": device.kind,
        "os": device.os,
        "browser": device.browser,
        "bot": device.bot,
    }


def referrer_of(request: web.Request, said: str = "") -> str:
    """Host of where the visitor came from, else of the page that holds the player; "" if it is ours."""
    host = host_of(said) or host_of(request.headers.get(hdrs.ORIGIN, ""))
    return "" if host == host_of(f"//{request.host}") else host


def host_of(address: str) -> str:
    """The host of an address; "" if it has none."""
    try:
        host = urlsplit(address[:2048]).hostname or ""
    except ValueError:
        return ""
    return host if len(host) <= LONGEST_HOST and host.isprintable() else ""
