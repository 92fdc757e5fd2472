"""Who is it, may they, and does the request come from our own pages?

Two credentials: `Authorization: Bearer <API key>`, compared by its SHA-256 in constant time, and the session
cookie. A request that changes something and stands on a cookie must also name our own Origin: together with
SameSite=Strict that keeps other sites from riding on a session.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from gateways.core.permissions import ADMINISTRATOR, PUBLIC
from gateways.core.principal import ANONYMOUS, Principal
from gateways.core.problem import Problem
from gateways.core.routes import Route
from gateways.core.sessions import SESSION_TTL_S, TokenRefused, Tokens

COOKIE: Final = "kinolog_session"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="kinolog"'}


@dataclass(frozen=True, slots=True)
class Guard:
    """Authenticates and authorises. Holds no key in clear: `admin_key_sha256` is a hex digest or empty."""

    admin_key_sha256: str
    tokens: Tokens
    allowed_origins: frozenset[str] = frozenset()
    cookie_secure: bool = False

    def key_principal(self, key: str) -> Principal | None:
        """The principal of an API key, or None. Takes the same time for every wrong key."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        expected = self.admin_key_sha256.lower()
        if hmac.compare_digest(digest, expected or "0" * 64) and expected:
            return Principal(subject="administrator", permissions=ADMINISTRATOR, via="key")
        return None

    def authenticate(self, request: web.Request) -> Principal:
        """The caller; a credential that is present but wrong is a 401, never a silent downgrade.

        The exception is a stale cookie: it counts as no credential, so that public pages still open.
        """
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _, key = header.partition(" ")
            principal = self.key_principal(key.strip()) if scheme.lower() == "bearer" else None
            if principal is None:
                raise Problem(
                    "bad-credential",
                    "Send 'Authorization: Bearer <API key>' with a valid key, or leave the header out.",
                    headers=_CHALLENGE,
                )
            return principal
        cookie = request.cookies.get(COOKIE)
        if cookie is None:
            return ANONYMOUS
        try:
            return self.tokens.read_session(cookie)
        except TokenRefused:
            return ANONYMOUS

    def authorise(self, request: web.Request, route: Route) -> Principal:
        """The caller if the route lets them in; else raises the Problem that says why."""
        principal = self.authenticate(request)
        if route.permission != PUBLIC and principal.via == "none":
            raise Problem(
                "unauthenticated",
                "Sign in on the start page, open a watch link, or send 'Authorization: Bearer <API key>'.",
                headers=_CHALLENGE,
            )
        if not principal.may(route.permission):
            raise Problem(
                "forbidden",
                f"This needs the permission {route.permission!r}; use a credential that holds it.",
                permission=route.permission,
            )
        asset_id = request.match_info.get("asset_id")
        scoped = route.permission != PUBLIC and principal.asset_id is not None  # pages hold no data: all open
        if scoped and asset_id is not None and asset_id != principal.asset_id:
            raise Problem(
                "forbidden", "This watch link opens another asset; sign in with an API key to see this one."
            )
        self._check_origin(request, principal)
        return principal

    def _check_origin(self, request: web.Request, principal: Principal) -> None:
        if request.method in SAFE_METHODS or principal.via == "key":
            return
        origin = request.headers.get("Origin")
        if origin is None and principal.via == "none":
            return  # a program without a session: there is nothing to ride on
        if origin is not None and (urlsplit(origin).netloc == request.host or origin in self.allowed_origins):
            return
        raise Problem(
            "cross-origin",
            "A change made with a session cookie must come from this gateway's own pages "
            "(an Origin header equal to its address); programs should send an API key instead.",
        )

    def set_cookie(self, response: web.StreamResponse, principal: Principal) -> None:
        """Start a session: HttpOnly, SameSite=Strict, 12 hours."""
        response.set_cookie(
            COOKIE,
            self.tokens.issue_session(principal),
            max_age=SESSION_TTL_S,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self.cookie_secure,
        )

    def clear_cookie(self, response: web.StreamResponse) -> None:
        """End a session in this browser."""
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=self.cookie_secure)
