"""What players call: a playback token, a Clear Key licence, beats while they play, the stop, its news."""

from __future__ import annotations

import base64
import uuid
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateways.core.endpoint import body_of, json_response, query_of, raw_body_of
from gateways.core.films import holds, may_see
from gateways.core.gated import gated
from gateways.core.permissions import ASSETS_READ, PUBLIC
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.core.rates import BEAT
from gateways.core.routes import Route
from gateways.drm.denials import ENDED, ended_words
from gateways.drm.device_names import DEVICE_NAME
from gateways.drm.endings import follow
from gateways.drm.licensing import LICENSING, Licensing, no_film, switch_in
from gateways.drm.naming import DEVICE, STREAM, account_named, stream_named
from gateways.drm.playback_tokens import Playback
from gateways.drm.requesting import HEADER, HEADERS, NO_STORE, PROBLEMS, Asked, give, playback_of
from gateways.drm.servers import CLEAR_KEY_ENFORCES
from schemas.drm import clearkey
from schemas.drm.events import PLAYBACK_BEAT, PLAYBACK_STOPPED, STREAM_ENDED, STREAM_KEPT
from schemas.wiring import REFUSED
from streams.core.sealing import SubjectForgotten

MOST_CHALLENGE_BYTES: Final = 8192
_STRICT: Final = ConfigDict(extra="forbid", strict=True)


class TokenWanted(BaseModel):
    """Which film, on which device."""

    model_config = _STRICT
    asset_id: str = Field(min_length=1, max_length=64)
    device_id: str = Field(
        pattern=f"^{DEVICE}$", description="chosen at random by the player, and kept on the device"
    )
    device_name: str | None = Field(
        None, min_length=1, max_length=60, description="what its owner calls it, such as: living room TV"
    )


class Token(BaseModel):
    """A playback token."""

    token: str = Field(description=f"goes into the header {HEADER}; good for one licence")
    expires_at_ms: int
    stream_id: str = Field(description="what beats and the stop name")
    beat_every_s: int = Field(description="a stream counts until three of them are missing")


class StreamNamed(BaseModel):
    """The playing of a film on a device."""

    model_config = _STRICT
    stream_id: str = Field(pattern=f"^{STREAM}$")
    device_id: str = Field(pattern=f"^{DEVICE}$")


class OnDevice(BaseModel):
    """On which device it plays."""

    model_config = ConfigDict(extra="forbid")
    device_id: str = Field(pattern=f"^{DEVICE}$")


class Kept(BaseModel):
    """It counts on."""

    stream_id: str


def account_of(request: web.Request, device_id: str) -> str:
    """The caller as the drm domain names accounts."""
    return account_named(principal_of(request).owner_id, device_id)


async def token(request: web.Request) -> web.Response:
    """Given to whoever may see the film; whether they get a licence is decided when they ask for it."""
    licensing, wanted, caller = request.app[LICENSING], body_of(request, TokenWanted), principal_of(request)
    film = await licensing.film(wanted.asset_id)
    if not may_see(caller, film.asset):
        raise no_film(wanted.asset_id)
    account_id = account_of(request, wanted.device_id)
    stream_id = stream_named(account_id, wanted.device_id, wanted.asset_id)
    # Who watches by a link owns nothing, and sees no more than others.
    privileged = caller.asset_id is None and holds(caller, ASSETS_READ, film.asset)
    name = await _sealed_name(licensing, caller.owner_id, wanted.device_name)
    said = Playback(account_id, wanted.asset_id, wanted.device_id, stream_id, privileged, name)
    text, expires_at_s = await licensing.tokens.issue(said)
    every_s = max(1, film.rules["stream_lease_s"] // 3)
    return json_response(
        Token(token=text, expires_at_ms=expires_at_s * 1000, stream_id=stream_id, beat_every_s=every_s), 201
    )


async def _sealed_name(licensing: Licensing, owner_id: str | None, name: str | None) -> str | None:
    """Under the account's key, so that it is forgotten with the account; who has none has no names."""
    if owner_id is None or name is None:
        return None
    try:
        return base64.b64encode(await licensing.sealer.seal(owner_id, DEVICE_NAME, name)).decode()
    except SubjectForgotten:
        return None


async def clearkey_licence(request: web.Request) -> web.Response:
    """The keys that were asked for and belong to the film, once the log holds the grant."""
    playback, jti_hash = await playback_of(request)
    challenge = raw_body_of(request)
    try:
        kids = clearkey.kids_of(challenge)
    except clearkey.ClearKeyError as error:
        raise Problem("validation", str(error)) from None
    asked = Asked(system="clearkey", challenge=challenge, kids=kids, enforces=CLEAR_KEY_ENFORCES)
    given = await give(request, playback, jti_hash, asked)
    body = clearkey.licence(given.keys)
    return web.Response(body=body, content_type="application/json", headers=NO_STORE)


async def beat(request: web.Request) -> web.Response:
    """Problem 409 `stream_ended`: the player must stop, or ask for a licence again. `why`: the switch, if it
    was one, as a denial would name it; empty: somebody ended it, or its time without a beat was over."""
    licensing, said = request.app[LICENSING], body_of(request, StreamNamed)
    account_id = account_of(request, said.device_id)
    data = {"account_id": account_id, "stream_id": said.stream_id}
    view, outcome = await licensing.ask(account_id, PLAYBACK_BEAT, data, uuid.uuid4().hex, (STREAM_KEPT,))
    if outcome["type"] == STREAM_KEPT and await licensing.film_stopped(view, account_id, said.stream_id):
        # The account's decider knows its own switches; the film's is looked at here.
        await licensing.end_stream(account_id, said.stream_id)
        raise _stream_ended("asset_stopped")
    if outcome["type"] == REFUSED:
        raise _stream_ended(switch_in(await licensing.account(view, account_id), said.device_id))
    return json_response(Kept(stream_id=said.stream_id))


async def stop(request: web.Request) -> web.Response:
    """The stream does not count any more, from now on."""
    licensing, stream_id = request.app[LICENSING], request.match_info["stream_id"]
    account_id = account_of(request, query_of(request, OnDevice).device_id)
    data = {"account_id": account_id, "stream_id": stream_id, "reason": "stopped", "actor": account_id}
    _, outcome = await licensing.ask(account_id, PLAYBACK_STOPPED, data, uuid.uuid4().hex, (STREAM_ENDED,))
    if outcome["type"] == REFUSED:
        raise _stream_ended()
    return json_response(Kept(stream_id=stream_id))


def _stream_ended(why: str = "") -> Problem:
    return Problem("conflict", ended_words(why), code=ENDED, why=why)


PLAYING_ROUTES: Final = (
    Route(
        method="POST", path="/v1/tokens", handler=token, permission=PUBLIC, status=201, body=TokenWanted,
        response=Token, summary="A playback token for one film on one device", tag="playing",
        problems=("not-found", "conflict", "unavailable"),
    ),
    Route(
        method="POST", path="/v1/licences/clearkey", handler=clearkey_licence, permission=PUBLIC, raw=True,
        body_types=("application/json", "application/octet-stream"), max_body_bytes=MOST_CHALLENGE_BYTES,
        summary="A Clear Key licence (W3C JSON) for a playback token", tag="playing",
        headers=HEADERS, problems=PROBLEMS,
    ),
    Route(
        method="POST", path="/v1/beats", handler=beat, permission=PUBLIC, body=StreamNamed, response=Kept,
        summary="A player plays on", limits=BEAT, tag="playing", problems=("conflict", "unavailable"),
    ),
    Route(
        method="GET", path="/v1/live", handler=gated(follow), permission=PUBLIC, socket=True, status=101,
        summary="Hear at once that a stream has ended (WebSocket)", timeout_s=None, tag="playing",
        problems=("malformed-request", "overloaded"),
    ),
    Route(
        method="DELETE", path=f"/v1/streams/{{stream_id:{STREAM}}}", handler=stop, permission=PUBLIC,
        query=OnDevice, response=Kept, summary="A player has stopped", tag="playing",
        problems=("not-found", "conflict", "unavailable"),
    ),
)  # fmt: skip
