"""Origins, and which of them are pages of ours that a service serves beside its own.

A visitor's session is one for all services on a host, whatever their ports. The film's page is the streaming
service's and the chat beside it the chat service's: so a service names the services whose pages may call it
with that session (`Service.called_from`). Their places are configuration, not what a request says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

_PORTS: Final = {"http": 80, "https": 443}
_PORT: Final = re.compile(r":\d+$")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def same_origin(one: str, other: str) -> bool:
    """Whether two origins have the same scheme, host and port; False for what is no http(s) origin."""
    found = _origin(one)
    return found is not None and found == _origin(other)


def _origin(text: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(text.lower())
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    bare = text.lower() == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
    return (parts.scheme, parts.hostname, port) if bare and parts.hostname else None


def origin_of(place: str, scheme: str, host: str) -> str:
    """Origin of a service's place: a base URL, or `:port` of the request's own `host`; "" for no host."""
    if not place.startswith(":"):
        parts = urlsplit(place)
        return f"{parts.scheme}://{parts.netloc}"
    name = _PORT.sub("", host)
    return f"{scheme}://{name}{place}" if _NAME.fullmatch(name) else ""


@dataclass(frozen=True, slots=True)
class Friends:
    """The other services whose pages may use this one on a visitor's session, by their places."""

    places: tuple[str, ...] = ()
    secure: bool = False

    def have(self, origin: str | None, host: str, scheme: str = "http") -> bool:
        """Whether `origin` is one of theirs; `host` and `scheme` are the request's own."""
        if origin is None or not self.places:
            return False
        scheme = "https" if self.secure else scheme
        return any(same_origin(origin, origin_of(place, scheme, host)) for place in self.places)


FRIENDS: Final = web.AppKey("friends", Friends)


def friends_of(services: Sequence[str], places: Mapping[str, str], *, secure: bool) -> Friends:
    """Of `services` those that are somewhere."""
    return Friends(tuple(places[name] for name in services if name in places), secure)


def from_friend(request: web.Request) -> bool:
    """Whether the request comes from the page of such a service."""
    friends = request.app.get(FRIENDS, Friends())
    return friends.have(request.headers.get(hdrs.ORIGIN), request.host, request.scheme)
