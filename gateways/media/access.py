"""Who may know of an asset, and who may do what to it.

Public and unlisted assets are everybody's to watch. Of a private one its owner knows, who may see everything,
and a watch link of it; to everybody else it is as if it were not there: the same answer after the same reads.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateways.core.auth import other_asset, unauthenticated
from gateways.core.endpoint import ROUTE
from gateways.core.films import holds, may_see
from gateways.core.owning import let_in, require_owner
from gateways.core.permissions import ASSETS_READ
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from gateways.core.projections import View
from gateways.media.context import media_of
from schemas.media.views import RECENT, recent_of
from schemas.media.visibility import owner_of


async def known(request: web.Request, view: View | None = None) -> dict[str, Any]:
    """The document, or tombstone, of the path's asset, if the caller may know of it and do what is asked.

    Problem 404 if it was never there or the caller may not know of it (401 without a credential, 403 for a
    watch link of another asset), 403 if they know of it but may not do this.
    """
    asset_id = request.match_info["asset_id"]
    media = media_of(request)
    view = view or await media.projections.pin(media.library)
    document = await view.get(asset_id)
    principal, route = principal_of(request), request[ROUTE]
    if document is None or not (may_see(principal, document) or holds(principal, route.permission, document)):
        raise _unseen(request, principal, asset_id)
    if route.shared:
        let_in(request)
    else:
        require_owner(request, owner_of(document))
    return document


def library_of(principal: Principal) -> str | None:
    """Suffix of the listing that holds what the caller may see besides what is public; None: nothing."""
    if principal.may(ASSETS_READ):
        return RECENT
    owner_id = principal.owner_id
    return recent_of(owner_id) if owner_id is not None and principal.may_own(ASSETS_READ) else None


def _unseen(request: web.Request, principal: Principal, asset_id: str) -> Problem:
    """Says nothing about whether the asset is there: it is the same for all that this caller may not see."""
    if principal.via == "none":
        return unauthenticated(request)
    if principal.asset_id not in (None, asset_id):
        return other_asset()
    return Problem("not-found", f"There is no asset {asset_id!r}; GET /v1/assets lists those there are.")
