"""Who is calling: the outcome of authentication, attached to each request."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateways.core.permissions import OWN, PUBLIC, SESSION
from schemas.event import deterministic_id


@dataclass(frozen=True, slots=True)
class Principal:
    """`via` is key (an API key), token (a bearer token), session (a cookie) or none.

    `subject` names the caller in events and limits: the account's id, `administrator`, `watch-link`, or
    `<issuer>#<sub>` of a foreign token. `asset_id` limits the principal to one asset (a watch code's).
    `session_id` and `key_id` tell which login session or API key the caller stands on.
    """

    subject: str
    permissions: frozenset[str]
    via: str
    asset_id: str | None = None
    expires_at_s: int | None = None
    account_id: str | None = None
    session_id: str | None = None
    key_id: str | None = None
    roles: tuple[str, ...] = ()

    @property
    def counted_as(self) -> str | None:
        """Who it is to the limits; None for those that many share (watch links) or none limits by name."""
        return self.account_id or (self.subject if "#" in self.subject else None)

    @property
    def owner_id(self) -> str | None:
        """As what it owns things: its account's id; for somebody of a foreign issuer a hash of their name
        there, since names of people stay off the log; None for those who own nothing.
        """
        if self.account_id is not None or "#" not in self.subject:
            return self.account_id
        return deterministic_id("owner", self.subject)

    @property
    def actor(self) -> str:
        """As whom events name it: as what it owns things, else its subject."""
        return self.owner_id or self.subject

    def may(self, permission: str) -> bool:
        """Whether a route that asks for `permission` lets this principal in."""
        if permission == PUBLIC:
            return True
        if permission == SESSION:
            return self.via != "none"
        return permission in self.permissions

    def may_own(self, permission: str) -> bool:
        """Whether it may do so to what it owns."""
        return self.owner_id is not None and f"{permission}{OWN}" in self.permissions


ANONYMOUS = Principal(subject="", permissions=frozenset(), via="none")
PRINCIPAL = web.RequestKey("principal", Principal)


def principal_of(request: web.Request) -> Principal:
    """The caller; ANONYMOUS on public routes without a credential."""
    found: Principal = request.get(PRINCIPAL, ANONYMOUS)
    return found
