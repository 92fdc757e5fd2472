"""Who is it, may they, and does the request come from our own pages?

Credentials: `Authorization: Bearer` with the administrator's key (compared by its SHA-256 in constant time),
an account's API key, a session token of ours or a token of another issuer that is configured; and the
session cookie, which holds a session token, or what a watch link's code was exchanged for. A request that
changes something and stands on a cookie must also name our own Origin (scheme, host and port; or that of
another service of ours whose pages this one serves, `gateways.core.origins`): together with SameSite=Strict
that keeps other sites from riding on a session. Origins of CORS_ORIGINS are no exception:
they may read and change with a credential of their own, never with a visitor's cookie.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from gateways.core.accounts import AccountCredentials, SessionOver, is_account_key
from gateways.core.jwts import TokenRefused, Unverified, looks_like_token, peek
from gateways.core.origins import from_friend, same_origin
from gateways.core.owning import must_prove
from gateways.core.permissions import ADMINISTRATOR, PUBLIC
from gateways.core.principal import ANONYMOUS, Principal
from gateways.core.problem import Problem
from gateways.core.routes import Route
from gateways.core.sessions import SESSION_TTL_S, Tokens
from gateways.core.standing import StandingUnknown

COOKIE: Final = "kinolog_session"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OVER: Final = web.RequestKey("over", SessionOver)
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="kinolog"'}


class TokenReader(Protocol):
    """Knows the tokens of one issuer."""

    def takes(self, said: Unverified) -> bool: ...
    async def of_token(self, token: str, said: Unverified) -> Principal: ...


@dataclass(frozen=True, slots=True)
class Guard:
    """Authenticates and authorises. Holds no key in clear: `admin_key_sha256` is a hex digest or empty.

    Without `accounts` no account's credential is known; `foreign` read the tokens of other issuers. `secure`:
    browsers reach us by https, whatever a proxy in between makes of it.
    """

    admin_key_sha256: str
    tokens: Tokens
    secure: bool = False
    accounts: AccountCredentials | None = None
    foreign: tuple[TokenReader, ...] = ()

    @property
    def cookie_name(self) -> str:
        """By https with the prefix that no other host of our domain can set a cookie under (RFC 6265bis)."""
        return f"__Host-{COOKIE}" if self.secure else COOKIE

    def key_principal(self, key: str) -> Principal | None:
        """The principal of the administrator's key, or None. Takes the same time for every wrong key."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        expected = self.admin_key_sha256.lower()
        if hmac.compare_digest(digest, expected or "0" * 64) and expected:
            return Principal(subject="administrator", permissions=ADMINISTRATOR, via="key")
        return None

    async def bearer(self, text: str) -> Principal | None:
        """The principal of a bearer credential of any kind; None if it is wrong. Raises StandingUnknown."""
        principal = self.key_principal(text)
        if principal is not None:
            return principal
        if is_account_key(text):
            return await self.accounts.of_key(text) if self.accounts is not None else None
        if not looks_like_token(text):
            return None
        try:
            said = peek(text)
            readers = self.foreign if self.accounts is None else (self.accounts, *self.foreign)
            for reader in readers:
                if reader.takes(said):
                    return await reader.of_token(text, said)
        except TokenRefused:
            pass
        return None

    async def cookie(self, text: str) -> Principal | None:
        """The principal of a session cookie's value; None if it does not hold. Raises StandingUnknown."""
        try:
            return await self._of_cookie(text)
        except TokenRefused:
            return None

    async def _of_cookie(self, text: str) -> Principal:
        said = peek(text)
        if self.accounts is not None and self.accounts.takes(said):
            return await self.accounts.of_token(text, said, via="session")
        return self.tokens.read_session(text)

    async def authenticate(self, request: web.Request) -> Principal:
        """The caller; a credential that is present but wrong is a 401, never a silent downgrade.

        The exception is a stale cookie: it counts as no credential, so that public pages still open.
        """
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _, text = header.partition(" ")
            principal = await self.bearer(text.strip()) if scheme.lower() == "bearer" else None
            if principal is None:
                raise Problem(
                    "bad-credential",
                    "Send 'Authorization: Bearer <API key or session token>' with a valid one, "
                    "or leave the header out.",
                    headers=_CHALLENGE,
                )
            return principal
        cookie = request.cookies.get(self.cookie_name)
        if cookie is None:
            return ANONYMOUS
        try:
            return await self._of_cookie(cookie)
        except SessionOver as over:
            request[OVER] = over
        except TokenRefused:
            pass
        return ANONYMOUS

    async def authorise(self, request: web.Request, route: Route) -> Principal:
        """The caller if the route lets them in; else raises the Problem that says why."""
        try:
            principal = await self.authenticate(request)
        except StandingUnknown:
            if route.permission != PUBLIC:
                raise
            principal = ANONYMOUS
        if route.from_anywhere and not self.from_us(request, principal.via):
            return ANONYMOUS
        self.permit(request, route, principal)
        return principal

    def permit(self, request: web.Request, route: Route, principal: Principal) -> None:
        """Returns if the route lets `principal` in; else raises the Problem that says why."""
        asset_id = request.match_info.get("asset_id")
        elsewhere = asset_id is not None and principal.asset_id not in (None, asset_id)
        if route.shared:
            if elsewhere or not principal.may(route.permission):
                must_prove(request)
            return
        if route.permission != PUBLIC and principal.via == "none":
            raise unauthenticated(request)
        if not principal.may(route.permission):
            if not (route.owned and principal.may_own(route.permission)):
                raise forbidden(route)
            must_prove(request)
        if elsewhere and route.permission != PUBLIC:  # pages hold no data: all open
            raise other_asset()
        if request.method not in SAFE_METHODS:
            self.check_origin(request, principal.via)

    def check_origin(self, request: web.Request, via: str) -> None:
        """Refuses what another site provokes."""
        if not self.from_us(request, via):
            raise Problem(
                "cross-origin",
                "A change made with a session cookie must come from this gateway's own pages: their Origin "
                f"has the scheme {self._scheme(request)!r} and the Host of the request (behind a proxy that "
                "speaks https set PUBLIC_URL, and let it pass Host on). Programs should send an API key "
                "instead.",
            )

    def from_us(self, request: web.Request, via: str) -> bool:
        """Whether no other site can have provoked it: a credential in a header is nothing that a site can
        provoke.
        """
        if via in ("key", "token"):
            return True
        origin = request.headers.get("Origin")
        if origin is None and via == "none":
            return True  # a program without a session: there is nothing to ride on
        if origin is not None and same_origin(origin, f"{self._scheme(request)}://{request.host}"):
            return True
        return from_friend(request)

    def _scheme(self, request: web.Request) -> str:
        return "https" if self.secure else request.scheme

    def set_cookie(self, response: web.StreamResponse, principal: Principal) -> None:
        """Start a session of a watch code or of the administrator's key; it lasts 12 hours."""
        self.set_session(response, self.tokens.issue_session(principal), SESSION_TTL_S)

    def set_session(self, response: web.StreamResponse, token: str, ttl_s: int) -> None:
        """Put a session token into the cookie: HttpOnly, SameSite=Strict."""
        response.set_cookie(
            self.cookie_name,
            token,
            max_age=ttl_s,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self.secure,
        )

    def clear_cookie(self, response: web.StreamResponse) -> None:
        """End a session in this browser."""
        response.del_cookie(self.cookie_name, path="/", httponly=True, samesite="Strict", secure=self.secure)


def forbidden(route: Route) -> Problem:
    """403 for a credential without the route's permission."""
    return Problem(
        "forbidden",
        f"This needs the permission {route.permission!r}; use a credential that holds it.",
        permission=route.permission,
    )


def unauthenticated(request: web.Request | None = None) -> Problem:
    """401 for those who sent no credential, or the cookie of a login session that has ended."""
    over = None if request is None else request.get(OVER)
    if over is not None:
        return Problem("unauthenticated", str(over), headers=_CHALLENGE, code=over.code)
    return Problem(
        "unauthenticated",
        "Sign in on the start page, open a watch link, or send 'Authorization: Bearer <API key>'.",
        headers=_CHALLENGE,
    )


def other_asset() -> Problem:
    """403 for a watch link that opens another asset than the one asked for."""
    return Problem(
        "forbidden", "This watch link opens another asset; sign in with an API key to see this one."
    )
