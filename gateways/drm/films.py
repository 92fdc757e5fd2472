"""A film's protection for its owner and operators: ids of keys, who may watch it, its policy, its switch."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from gateways.core.endpoint import body_of, json_response
from gateways.core.films import holds
from gateways.core.idempotency import scoped_id
from gateways.core.owning import require_owner
from gateways.core.permissions import ASSETS_READ
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.core.reasons import Reason, sealed_reason
from gateways.core.titles import shown_titles
from gateways.drm.licensing import LICENSING, Licensing, no_film
from gateways.drm.policies import STRICT, PolicyRules, policy
from schemas.drm.events import ACCESS_CHANGE_REQUESTED
from schemas.drm.views import FILM_REQUESTS
from schemas.media.protection import POLICY_PATTERN, ProtectionView, protection_of
from schemas.media.visibility import owner_of

Access = Literal["free", "members", "rental", "purchase"]


class FilmKey(BaseModel):
    """A content key: never its value."""

    label: str = Field(description="audio, sd, hd or uhd: what it opens")
    kid: str


class FilmEncryption(BaseModel):
    """How it is encrypted."""

    scheme: str
    systems: list[str]
    version: int = Field(description="of its content keys")
    keys: list[FilmKey] = Field(description="empty until the film is planned")


class FilmAccess(BaseModel):
    """A protected film: who may watch it, and by which policy."""

    asset_id: str
    title: str
    owner_id: str | None
    access: Access
    policy_id: str
    policy_version: int = Field(description="0: the default policy, or one that is not there")
    rules: PolicyRules | None = Field(description="what it says; null: it is not there, nobody can watch")
    stopped: bool = Field(description="licences are switched off")
    protection: FilmEncryption


class AccessChange(BaseModel):
    """What is left out stays as it is."""

    model_config = STRICT
    access: Access | None = None
    policy_id: str | None = Field(None, pattern=f"^{POLICY_PATTERN}$")
    reason: Reason


class FilmStop(BaseModel):
    """Licences off, or on again."""

    model_config = STRICT
    stopped: bool
    reason: Reason


async def show(request: web.Request) -> web.Response:
    licensing = request.app[LICENSING]
    asset, protection = await _film(request)
    return json_response(await _shown(licensing, asset, protection))


async def change(request: web.Request) -> web.Response:
    """Counts for the next licence: those that were given before stand."""
    licensing, wish = request.app[LICENSING], body_of(request, AccessChange)
    asset, protection = await _film(request)
    if wish.access is None and wish.policy_id is None:
        raise Problem("validation", "Say what is to change: access, policy_id or both.")
    if wish.policy_id is not None:
        await policy(licensing, wish.policy_id)
    await _ask(request, asset, wish.reason, access=wish.access, policy_id=wish.policy_id)
    return json_response(await _shown(licensing, asset, protection))


async def switch(request: web.Request) -> web.Response:
    """Off: no licence from now on; where it plays, it ends when its player is told, or at its next beat."""
    licensing, wish = request.app[LICENSING], body_of(request, FilmStop)
    asset, protection = await _film(request)
    await _ask(request, asset, wish.reason, stopped=wish.stopped)
    return json_response(await _shown(licensing, asset, protection))


async def _film(request: web.Request) -> tuple[dict[str, Any], ProtectionView]:
    """The protected film that the path names, if it is for this caller. Problem 403 or 404."""
    licensing, asset_id = request.app[LICENSING], request.match_info["asset_id"]
    asset = await (await licensing.projections.pin(licensing.library)).get(asset_id)
    protection = protection_of(asset or {})
    gone = asset is None or asset["state"] == "deleted" or protection is None
    if gone or not holds(principal_of(request), ASSETS_READ, asset or {}):
        raise no_film(asset_id)
    assert asset is not None
    assert protection is not None
    require_owner(request, owner_of(asset))
    return asset, protection


async def _ask(request: web.Request, asset: dict[str, Any], reason: str | None, **changes: Any) -> None:
    licensing, caller, owner_id = request.app[LICENSING], principal_of(request), owner_of(asset)
    data = {
        "asset_id": asset["id"], "access": None, "policy_id": None, "stopped": None, **changes,
        "actor": caller.actor, "owner_id": owner_id,
        "privileged": owner_id is None or owner_id != caller.owner_id,
        **await sealed_reason(licensing.sealer, owner_id, reason),
    }  # fmt: skip
    request_id = scoped_id(request, f"access:{asset['id']}:{orjson.dumps(changes).decode()}")
    await licensing.decided(
        licensing.films, FILM_REQUESTS, asset["id"], ACCESS_CHANGE_REQUESTED, data, request_id
    )


async def _shown(licensing: Licensing, asset: dict[str, Any], protection: ProtectionView) -> FilmAccess:
    said = await licensing.access(asset["id"])
    policy_id = said["policy_id"] or protection["policy_id"]
    try:
        found = await policy(licensing, policy_id)
    except Problem:
        found = None
    [title] = await shown_titles(licensing.sealer, [(asset["id"], asset)])
    keys = [FilmKey(label=label, kid=kid) for label, kid in protection["keys"].items()]
    return FilmAccess(
        asset_id=asset["id"], title=title, owner_id=owner_of(asset), access=said["access"],
        policy_id=policy_id, policy_version=found.version if found else 0,
        rules=found.rules if found else None, stopped=said["stopped"],
        protection=FilmEncryption(
            scheme=protection["scheme"], systems=protection["systems"], version=protection["version"],
            keys=keys,
        ),
    )  # fmt: skip
