"""PlayReady licences: a relay of AcquireLicense (SOAP) in front of a licence server of Microsoft's agreement.

The player's challenge goes on as it is; keys and rules of the grant go beside it, sealed
(`gateways.drm.entitlement`). The answer comes back as it is.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateways.core.endpoint import query_of, raw_body_of
from gateways.core.permissions import PUBLIC
from gateways.core.problem import Problem
from gateways.core.routes import Route
from gateways.drm import entitlement
from gateways.drm.licensing import LICENSING
from gateways.drm.requesting import HEADERS, NO_STORE, PROBLEMS, Asked, give, playback_of
from gateways.drm.servers import SERVERS
from gateways.drm.upstream import no_answer, not_set
from schemas.drm import playready_request

SOAP_TYPE: Final = "text/xml"
HARDWARE_LEVEL: Final = 3
"""The least level, as policies count them, whose devices PlayReady calls SL3000; those below are SL2000."""


class Kept(BaseModel):
    """How the licence is wanted."""

    model_config = ConfigDict(extra="forbid")
    offline: bool = Field(default=False, description="to be kept on the device")


async def playready_licence(request: web.Request) -> web.Response:
    """The server's answer to the player's challenge, once the log holds the grant."""
    servers, challenge = request.app[SERVERS], raw_body_of(request)
    settings = servers.playready
    if settings is None:
        raise not_set("PLAYREADY_LICENCES", "PlayReady")
    playback, jti_hash = await playback_of(request)
    try:
        kids = playready_request.kids_of(challenge)
    except playready_request.NotPlayReady as error:
        raise Problem("validation", str(error)) from None
    offline = query_of(request, Kept).offline
    asked = Asked(
        system="playready", challenge=challenge, kids=kids, enforces=settings.enforces, offline=offline
    )
    given = await give(request, playback, jti_hash, asked)
    least = given.film.rules["min_security_level"]
    level = None if least is None else 3000 if least >= HARDWARE_LEVEL else 2000
    told = entitlement.entitlement(given, challenge, security_level=level)
    headers = {
        "Content-Type": f"{SOAP_TYPE}; charset=utf-8",
        "SOAPAction": f'"{playready_request.ACTION}"',
        entitlement.HEADER: entitlement.seal(told, settings.sealing_key()),
    }
    answer = await servers.upstream.post("playready", settings.url, challenge, headers)
    try:
        playready_request.check_answer(answer)
    except playready_request.NotPlayReady as error:
        raise no_answer("playready", str(error)) from None
    # The server took its time: a switch that was turned meanwhile counts.
    await request.app[LICENSING].look_again(playback.account_id, given.licence)
    return web.Response(body=answer, content_type=SOAP_TYPE, charset="utf-8", headers=NO_STORE)


PLAYREADY_LICENCE_ROUTE: Final = Route(
    method="POST", path="/v1/licences/playready", handler=playready_licence, permission=PUBLIC, raw=True,
    body_types=("text/xml", "application/soap+xml", "application/octet-stream"), query=Kept,
    max_body_bytes=playready_request.MOST_BYTES, response_type=SOAP_TYPE,
    summary="A PlayReady licence (AcquireLicense) for a playback token", tag="playing",
    headers=HEADERS, problems=(*PROBLEMS, "not-configured"),
)  # fmt: skip
