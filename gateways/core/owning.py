"""Ownership: a route may let in who holds a permission for their own things; its handler then says whose.

A handler that forgets to is a bug that must not let anybody in: the answer becomes a 500.
"""

from __future__ import annotations

from aiohttp import web

from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem

_UNPROVEN = web.RequestKey("unproven", bool)


class OwnerUnchecked(Exception):
    """A handler of an `owned` route answered without `require_owner`: a bug of ours."""


def must_own(request: web.Request, principal: Principal) -> None:
    """From here on the handler has to call `require_owner`."""
    assert principal.account_id is not None
    request[_UNPROVEN] = True


def require_owner(request: web.Request, owner_id: str | None) -> None:
    """Raises a 403 Problem unless the caller may do this to everybody's things, or owns this one.

    `owner_id` is an account's id; None: nobody owns it. Call it before anything is changed or shown.
    """
    if not request.get(_UNPROVEN, False):
        return
    if owner_id is None or owner_id != principal_of(request).account_id:
        raise Problem("forbidden", "This belongs to somebody else; your role allows it for your own only.")
    request[_UNPROVEN] = False


def refuse_unproven(request: web.Request) -> None:
    """After the handler. Raises OwnerUnchecked if it had to ask for the owner and did not."""
    if request.get(_UNPROVEN, False):
        raise OwnerUnchecked(f"{request.method} {request.path}: the handler did not call require_owner")
