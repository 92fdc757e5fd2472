"""Ownership: a route may let in who holds a permission for their own things; its handler then says whose.
A route of things that are shared lets everybody in; its handler then says whether they are shared with them.

A handler that forgets to is a bug that must not let anybody in: the answer becomes a 500.
"""

from __future__ import annotations

from aiohttp import web

from gateways.core.principal import principal_of
from gateways.core.problem import Problem

_UNPROVEN = web.RequestKey("unproven", bool)


class OwnerUnchecked(Exception):
    """A handler answered without `require_owner` or `let_in`, although it had to: a bug of ours."""


def must_prove(request: web.Request) -> None:
    """From here on the handler has to call `require_owner`, or `let_in` where the route is `shared`."""
    request[_UNPROVEN] = True


def let_in(request: web.Request) -> None:
    """The handler found that this is shared with the caller, or that it is theirs."""
    request[_UNPROVEN] = False


def require_owner(request: web.Request, owner_id: str | None) -> None:
    """Raises a 403 Problem unless the caller may do this to everybody's things, or owns this one.

    `owner_id` is as `Principal.owner_id` says; None: nobody owns it. Call it before anything is changed or
    shown.
    """
    if not request.get(_UNPROVEN, False):
        return
    if owner_id is None or owner_id != principal_of(request).owner_id:
        raise Problem("forbidden", "This belongs to somebody else; your role allows it for your own only.")
    let_in(request)


def refuse_unproven(request: web.Request) -> None:
    """After the handler. Raises OwnerUnchecked if it had to ask for the owner and did not."""
    if request.get(_UNPROVEN, False):
        raise OwnerUnchecked(
            f"{request.method} {request.path}: the handler called neither require_owner nor let_in"
        )
