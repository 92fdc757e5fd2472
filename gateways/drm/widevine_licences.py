"""Widevine licences: a signed proxy in front of a provider's cloud licence service (`getlicense`).

The player's request goes on as it is, with the content keys and the policy of the grant; the whole is signed
(AES-CBC over its SHA-1). What the policy asks for is enforced by the licence, on the device.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import orjson
from aiohttp import web

from gateways.core.endpoint import raw_body_of
from gateways.core.permissions import PUBLIC
from gateways.core.problem import Problem
from gateways.core.routes import Route
from gateways.drm.licensing import LICENSING
from gateways.drm.requesting import HEADERS, NO_STORE, PROBLEMS, Asked, Given, give, playback_of
from gateways.drm.servers import SERVERS
from gateways.drm.upstream import no_answer, not_set
from schemas.drm import widevine_request
from schemas.drm.views import ENFORCEABLE
from schemas.drm.widevine_signature import sign
from schemas.media.protection import AUDIO, HD, SD, UHD
from streams.core.licence_settings import WidevineLicences

MOST_BYTES: Final = 64 * 1024
LICENCE_TYPE: Final = "application/octet-stream"
_TRACKS: Final = {AUDIO: "AUDIO", SD: "SD", HD: "HD", UHD: "UHD1"}
_ALLOWED: Final = {UHD: "SD_UHD1", HD: "SD_HD", SD: "SD_ONLY"}
_NO_HDCP: Final = "HDCP_NONE"
_RETRY_S: Final = 5
_RECOVERY_S: Final = 30


async def widevine_licence(request: web.Request) -> web.Response:
    """A licence of the provider's server, once the log holds the grant; or its public certificate."""
    servers, challenge = request.app[SERVERS], raw_body_of(request)
    settings = servers.widevine
    if settings is None:
        raise not_set("WIDEVINE_LICENCES", "Widevine")
    playback, jti_hash = await playback_of(request)
    try:
        said = widevine_request.read(challenge)
    except widevine_request.NotWidevine as error:
        raise Problem("validation", str(error)) from None
    message: dict[str, Any] = {
        "payload": _base64(challenge),
        "content_id": _base64(playback.asset_id.encode()),
        "provider": settings.provider,
    }
    if said.wants_certificate:
        return _answer(await _asked(request, settings, message))
    asked = Asked(
        system="widevine", challenge=challenge, kids=said.kids, enforces=ENFORCEABLE, offline=said.offline
    )
    given = await give(request, playback, jti_hash, asked)
    licence = await _asked(request, settings, message | policy_of(given, servers.clock()))
    # The server took its time: a switch that was turned meanwhile counts.
    await request.app[LICENSING].look_again(playback.account_id, given.licence)
    return _answer(licence)


def policy_of(given: Given, now_s: float) -> dict[str, Any]:
    """What a licence of this grant says: which keys, for how long, on what devices and outputs."""
    licence, labels = given.licence, given.film.protection["keys"]
    largest = next((label for label in _ALLOWED if labels.get(label) in given.keys), SD)
    specs = [
        {
            "track_type": _TRACKS[label],
            "key_id": _base64(bytes.fromhex(kid)),
            "key": _base64(given.keys[kid]),
            "security_level": given.film.rules["min_security_level"] or 1,
            "required_output_protection": {"hdcp": licence["hdcp"].get(label, _NO_HDCP)},
        }
        for label, kid in labels.items()
        if kid in given.keys
    ]
    overrides: dict[str, Any] = {"can_play": True, "can_persist": licence["offline"], "can_renew": False}
    if licence["expires_at_ms"] is not None:
        overrides["license_duration_seconds"] = _left_s(licence["expires_at_ms"], now_s)
    if licence["playback_s"] is not None:
        overrides["playback_duration_seconds"] = licence["playback_s"]
    if licence["renew_every_s"] is not None:
        overrides |= {
            "can_renew": True,
            "renewal_delay_seconds": licence["renew_every_s"],
            "renewal_retry_interval_seconds": _RETRY_S,
            "renewal_recovery_duration_seconds": _RECOVERY_S,
        }
    return {
        "allowed_track_types": _ALLOWED[largest],
        "content_key_specs": specs,
        "policy_overrides": overrides,
    }


def _left_s(expires_at_ms: int, now_s: float) -> int:
    """Whole seconds that are left; of 0 the protocol says that they never end."""
    left_s = int(expires_at_ms / 1000 - now_s)
    if left_s < 1:
        raise Problem("forbidden", "The licence ended while it was asked for.", code="too_late")
    return left_s


async def _asked(request: web.Request, settings: WidevineLicences, message: dict[str, Any]) -> bytes:
    """What the server gives: a licence or its certificate."""
    said = orjson.dumps(message)
    body = orjson.dumps(
        {
            "request": _base64(said),
            "signature": _base64(sign(said, *settings.secrets())),
            "signer": settings.provider,
        }
    )
    headers = {"Content-Type": "application/json"}
    raw = await request.app[SERVERS].upstream.post("widevine", settings.url, body, headers)
    try:
        answer = orjson.loads(raw)
        status = str(answer["status"])
        licence = base64.b64decode(answer["license"], validate=True) if status == "OK" else b""
    except (ValueError, TypeError, KeyError):
        raise no_answer("widevine", "not the answer of getlicense") from None
    if status == "INVALID_LICENSE_CHALLENGE":
        raise Problem("validation", "The licence server does not take this for a request of a player.")
    if not licence:
        raise no_answer("widevine", status[:80])
    return licence


def _answer(licence: bytes) -> web.Response:
    return web.Response(body=licence, content_type=LICENCE_TYPE, headers=NO_STORE)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


WIDEVINE_LICENCE_ROUTE: Final = Route(
    method="POST", path="/v1/licences/widevine", handler=widevine_licence, permission=PUBLIC, raw=True,
    body_types=("application/octet-stream",), max_body_bytes=MOST_BYTES, response_type=LICENCE_TYPE,
    summary="A Widevine licence for a playback token, or the licence server's certificate", tag="playing",
    headers=HEADERS, problems=(*PROBLEMS, "not-configured"),
)  # fmt: skip
