"""Who is calling: the outcome of authentication, attached to each request."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateways.core.permissions import PUBLIC, SESSION


@dataclass(frozen=True, slots=True)
class Principal:
    """`via` is key, session or none. `asset_id` limits the principal to one asset (a watch code's)."""

    subject: str
    permissions: frozenset[str]
    via: str
    asset_id: str | None = None
    expires_at_s: int | None = None

    def may(self, permission: str) -> bool:
        """Whether a route that asks for `permission` lets this principal in."""
        if permission == PUBLIC:
            return True
        if permission == SESSION:
            return self.via != "none"
        return permission in self.permissions


ANONYMOUS = Principal(subject="", permissions=frozenset(), via="none")
PRINCIPAL = web.RequestKey("principal", Principal)


def principal_of(request: web.Request) -> Principal:
    """The caller; ANONYMOUS on public routes without a credential."""
    found: Principal = request.get(PRINCIPAL, ANONYMOUS)
    return found
