"""Would this viewer get a licence, and if not, why? Asked of the account's decider itself; nothing counts."""

from __future__ import annotations

import uuid

from aiohttp import web
from pydantic import BaseModel, Field

from gateways.core.endpoint import body_of, json_response
from gateways.core.problem import Problem
from gateways.drm.denials import words_of
from gateways.drm.licensing import LICENSING, Film
from gateways.drm.naming import DEVICE, account_named, stream_named
from gateways.drm.playback_tokens import Playback
from gateways.drm.policies import STRICT, Country
from gateways.drm.requesting import Asked, Network, requested
from gateways.drm.servers import SERVERS
from schemas.drm.events import LICENCE_REQUESTED, LICENCE_TRIED
from schemas.drm.views import System
from schemas.media.visibility import owner_of


class Trial(BaseModel):
    """A viewer who does not ask; what is left out is as a player tells it that says nothing."""

    model_config = STRICT
    asset_id: str = Field(min_length=1, max_length=64)
    account_id: str | None = Field(None, pattern="^[0-9a-f]{32}$", description="null: has not signed in")
    device_id: str = Field("trial", pattern=f"^{DEVICE}$")
    system: System = "clearkey"
    country: Country | None = None
    anonymiser: bool | None = Field(None, description="whether the network hides where it is; null: unknown")
    security_level: int | None = Field(None, ge=1, le=5)
    offline: bool = False


class Decision(BaseModel):
    """What would be decided now."""

    granted: bool
    code: str = Field(description="why not; empty: granted")
    words: str = Field(description="what the viewer would read; empty: granted")
    detail: str = Field(description="the same for operators")
    policy_id: str = Field(description="empty: the default")
    policy_version: int
    streams: list[str] = Field(description="that would be in the way")
    devices: list[str]


async def show(request: web.Request) -> web.Response:
    """Problem 404 for what is no protected film."""
    licensing, wish = request.app[LICENSING], body_of(request, Trial)
    film = await licensing.film(wish.asset_id)
    account_id = account_named(wish.account_id, wish.device_id)
    stream_id = stream_named(account_id, wish.device_id, wish.asset_id)
    privileged = wish.account_id is not None and wish.account_id == owner_of(film.asset)
    playback = Playback(account_id, wish.asset_id, wish.device_id, stream_id, privileged)
    enforces = request.app[SERVERS].enforces(wish.system)
    if enforces is None:
        return json_response(_not_set(wish.system, film))
    asked = Asked(
        system=wish.system, challenge=b"", enforces=enforces,
        security_level=wish.security_level, offline=wish.offline,
    )  # fmt: skip
    data = requested(
        licensing, film, playback, uuid.uuid4().hex, Network(wish.country or "", wish.anonymiser), asked
    )
    data["trial"] = True
    request_id = uuid.uuid4().hex
    view, outcome = await licensing.ask(account_id, LICENCE_REQUESTED, data, request_id, (LICENCE_TRIED,))
    document = await licensing.account(view, account_id)
    tried = document.get("tried", {}).get(request_id) if document is not None else None
    if outcome["type"] != LICENCE_TRIED or tried is None:
        raise Problem("unavailable", "What would be decided is not known now; ask again.")
    return json_response(
        Decision(
            granted=not tried["code"], words=words_of(tried["code"]) if tried["code"] else "",
            policy_id=film.policy_id, policy_version=film.version, **tried,
        )
    )  # fmt: skip


def _not_set(system: str, film: Film) -> Decision:
    """No system that is not set gives a licence to anybody."""
    return Decision(
        granted=False, code="not_configured", words=words_of("not_configured"),
        detail=f"There are no licences of {system} here: set {system.upper()}_LICENCES.",
        policy_id=film.policy_id, policy_version=film.version, streams=[], devices=[],
    )  # fmt: skip
