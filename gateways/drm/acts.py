"""What is done to accounts: rights given by shops, switches, devices forgotten, streams ended.

Each is a request to the account's decider, and what it answers is shown before the answer leaves.
"""

from __future__ import annotations

from typing import Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from gateways.core.endpoint import body_of, json_response
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.core.reasons import Reason, sealed_reason
from gateways.drm.licensing import LICENSING
from gateways.drm.policies import STRICT
from gateways.drm.viewers import own_account, shown
from schemas.drm.events import (
    DEVICE_REMOVAL_REQUESTED,
    PLAYBACK_STOPPED,
    RIGHT_CHANGE_REQUESTED,
    STOP_REQUESTED,
)
from schemas.drm.views import ALL_FILMS, REQUESTS


class RightGiven(BaseModel):
    """A right to a film."""

    model_config = STRICT
    kind: Literal["bought", "rented", "member"]
    until_ms: int | None = Field(None, ge=0, le=2**53, description="null: for ever; rented ones end")
    reference: str = Field("", max_length=64, description="what the shop calls it, such as an order number")


class Stopping(BaseModel):
    """Licences off, or on again."""

    model_config = STRICT
    stopped: bool
    reason: Reason


async def give_right(request: web.Request) -> web.Response:
    """Takes the place of the account's right to the same film, if there is one."""
    wish, asset_id = body_of(request, RightGiven), request.match_info["asset_id"]
    if (wish.kind == "member") != (asset_id == ALL_FILMS):
        raise Problem("validation", f"A member's right is one to {ALL_FILMS!r}; others name their film.")
    if wish.kind == "rented" and wish.until_ms is None:
        raise Problem("validation", "until_ms: say when a rented film's right ends.")
    return await _act(
        request, request.match_info["account_id"], RIGHT_CHANGE_REQUESTED,
        {"asset_id": asset_id, **wish.model_dump()},
    )  # fmt: skip


async def take_right(request: web.Request) -> web.Response:
    """Licences that were given before stand until they end."""
    data = {
        "asset_id": request.match_info["asset_id"], "kind": "none", "until_ms": None, "reference": "",
    }  # fmt: skip
    return await _act(request, request.match_info["account_id"], RIGHT_CHANGE_REQUESTED, data)


async def switch_account(request: web.Request) -> web.Response:
    """Off: what plays ends, and there is no licence any more."""
    return await _switch(request, "")


async def switch_device(request: web.Request) -> web.Response:
    """Off: what plays on it ends, and there is no licence for it any more."""
    return await _switch(request, request.match_info["device_id"])


async def _switch(request: web.Request, device_id: str) -> web.Response:
    wish, account_id = body_of(request, Stopping), request.match_info["account_id"]
    sealer = request.app[LICENSING].sealer
    data = {
        "device_id": device_id, "stopped": wish.stopped,
        **await sealed_reason(sealer, account_id, wish.reason),
    }  # fmt: skip
    asked = f"{device_id}:{wish.stopped}"
    return await _act(request, account_id, STOP_REQUESTED, data, asked=asked)


async def forget_device(request: web.Request) -> web.Response:
    """It does not count any more; what plays on it ends."""
    data = {"device_id": request.match_info["device_id"]}
    return await _act(request, request.match_info["account_id"], DEVICE_REMOVAL_REQUESTED, data)


async def forget_own_device(request: web.Request) -> web.Response:
    """As `forget_device`, of one's own."""
    data = {"device_id": request.match_info["device_id"]}
    return await _act(request, own_account(request), DEVICE_REMOVAL_REQUESTED, data)


async def end_stream(request: web.Request) -> web.Response:
    """Its player is told, or learns of it with its next beat; the place is free at once."""
    data = {"stream_id": request.match_info["stream_id"], "reason": "ended"}
    return await _act(request, request.match_info["account_id"], PLAYBACK_STOPPED, data)


async def end_own_stream(request: web.Request) -> web.Response:
    """As `end_stream`, of one's own."""
    data = {"stream_id": request.match_info["stream_id"], "reason": "ended"}
    return await _act(request, own_account(request), PLAYBACK_STOPPED, data)


async def _act(
    request: web.Request, account_id: str, name: str, data: dict[str, Any], *, asked: str | None = None
) -> web.Response:
    """The account as it is then. `asked`: what makes a retry the same request; by default all of `data`."""
    licensing = request.app[LICENSING]
    what = orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode() if asked is None else asked
    request_id = scoped_id(request, f"{name}:{account_id}:{what}")
    full = {"account_id": account_id, **data, "actor": principal_of(request).actor}
    await licensing.decided(licensing.accounts, REQUESTS, account_id, name, full, request_id)
    return json_response(await shown(request, account_id))
