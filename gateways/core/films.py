"""Whose a film is to see: the rule of its own pages, and of what stands beside it, its chat.

`document` is of the projection `media.library`, or its tombstone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateways.core.permissions import ASSETS_READ
from gateways.core.principal import Principal
from schemas.media.visibility import PRIVATE, owner_of, visibility_of


def may_see(principal: Principal, document: Mapping[str, Any]) -> bool:
    """Whether the caller may know of the asset and watch it. `document`: or its tombstone."""
    return visibility_of(document) != PRIVATE or holds(principal, ASSETS_READ, document)


def holds(principal: Principal, permission: str, document: Mapping[str, Any]) -> bool:
    """Whether the caller holds `permission` for this asset: for all of them, or for their own."""
    if principal.asset_id not in (None, document["id"]):
        return False
    owner_id = owner_of(document)
    owns = owner_id is not None and owner_id == principal.owner_id
    return principal.may(permission) or (owns and principal.may_own(permission))
