"""What a route's permission alone cannot say: nobody gives, or takes from others, more than they have."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from gateways.identity.context import identity_of
from schemas.identity.roles import ACCOUNT_SELF, OWN, ROLES, permissions_of
from schemas.identity.views import AccountDocument

RECENT_S = 900
"""How long after signing in somebody may do what cannot be undone, seconds."""


def own_id(request: web.Request) -> str:
    """The caller's account. Routes of `account:self` are not open to anybody without one."""
    account_id = principal_of(request).account_id
    if account_id is None:
        raise Problem("forbidden", "This is for accounts: sign in with an address and a password.")
    return account_id


def own_session(request: web.Request) -> str:
    """The caller's login session; an API key must not be enough for what asks for it."""
    sid = principal_of(request).session_id
    if sid is None:
        raise Problem("forbidden", "An API key may not do this: sign in with an address and a password.")
    return sid


def must_be_recent(request: web.Request, document: AccountDocument) -> None:
    """Problem 403 unless the caller signed in a short while ago: a machine left alone is not its owner."""
    session = document["sessions"].get(own_session(request))
    if session is None or identity_of(request).now_ms() - session["started_at_ms"] > RECENT_S * 1000:
        raise Problem("forbidden", "Sign in again first: this cannot be undone.")


def must_hold(principal: Principal, roles: Iterable[str]) -> None:
    """Problem 403 if the roles allow what the caller may not: keys with few scopes stay so."""
    held = principal.permissions
    # Who may do something to everybody's things may let others do it to their own.
    missing = {p for p in permissions_of(roles) - held - {ACCOUNT_SELF} if p.removesuffix(OWN) not in held}
    if missing:
        raise Problem(
            "forbidden",
            f"This concerns an account that may do more than your credential: {', '.join(sorted(missing))}.",
        )


def known_roles(roles: Iterable[str]) -> list[str]:
    """The roles without repeats; Problem 422 for one that does not exist."""
    found = sorted(set(roles))
    unknown = [role for role in found if role not in ROLES]
    if unknown:
        raise Problem("validation", f"roles: there is no {unknown[0]!r}; choose of {', '.join(ROLES)}.")
    return found
