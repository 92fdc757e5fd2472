"""FairPlay: the application's certificate, and licences of a key-security module (SPC in, CKC out).

A player asks for one key at a time, which its playlist names by `skd://`: each needs a playback token.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateways.core.endpoint import query_of, raw_body_of
from gateways.core.permissions import PUBLIC
from gateways.core.problem import Problem
from gateways.core.routes import Route
from gateways.drm import entitlement
from gateways.drm.fairplay_ksm import SPC_TYPE, FairPlayKsm, SpcRefused
from gateways.drm.licensing import LICENSING
from gateways.drm.playready_licences import Kept
from gateways.drm.requesting import HEADERS, NO_STORE, PROBLEMS, Asked, give, playback_of
from gateways.drm.servers import SERVERS
from gateways.drm.upstream import PATIENCE_S, no_answer, not_set
from streams.core.content_keys import constant_iv
from streams.core.logging import get_logger

_log = get_logger("gateway.drm.fairplay")
SETTING: Final = "FAIRPLAY_LICENCES"
CERTIFICATE_TYPE: Final = "application/pkix-cert"
MOST_SPC_BYTES: Final = 64 * 1024
MOST_CERTIFICATE_BYTES: Final = 64 * 1024


class OfKey(Kept):
    """For which key the SPC asks, and how the licence is wanted."""

    kid: UUID = Field(description="the key, as the URI skd://... of its playlist names it")


async def certificate(request: web.Request) -> web.Response:
    """What players make their SPC with; no secret."""
    settings = request.app[SERVERS].fairplay
    if settings is None:
        raise not_set(SETTING, "FairPlay")
    try:
        raw = await asyncio.to_thread(_read, settings.certificate_file)
    except OSError as error:
        _log.error("the certificate cannot be read", error=type(error).__name__)
        raise Problem(
            "not-configured", f"The certificate cannot be read: see certificate_file of {SETTING}.",
            code="not_configured",
        ) from error  # fmt: skip
    return web.Response(
        body=raw, content_type=CERTIFICATE_TYPE, headers={"Cache-Control": "public, max-age=300"}
    )


async def fairplay_licence(request: web.Request) -> web.Response:
    """The module's CKC to the player's SPC, once the log holds the grant."""
    spc, ksm = raw_body_of(request), request.app[SERVERS].ksm
    if ksm is None:
        raise not_set(SETTING, "FairPlay")
    playback, jti_hash = await playback_of(request)
    if not spc:
        raise Problem("validation", "Send the player's SPC as it is.")
    wanted = query_of(request, OfKey)
    # The same SPC for another key is another request.
    asked = Asked(
        system="fairplay", challenge=spc + wanted.kid.bytes, kids=(wanted.kid.hex,),
        enforces=tuple(ksm.enforces), offline=wanted.offline,
    )  # fmt: skip
    given = await give(request, playback, jti_hash, asked)
    told = entitlement.entitlement(given, spc)
    [key] = told["keys"]
    key["iv"] = base64.b64encode(constant_iv(given.keys[wanted.kid.hex])).decode()
    ckc = await _made(ksm, spc, told)
    # The module took its time: a switch that was turned meanwhile counts.
    await request.app[LICENSING].look_again(playback.account_id, given.licence)
    return web.Response(body=ckc, content_type=SPC_TYPE, headers=NO_STORE)


async def _made(ksm: FairPlayKsm, spc: bytes, told: dict[str, Any]) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE_S):
            ckc = await ksm.ckc(spc, told)
    except SpcRefused as error:
        raise Problem("validation", str(error)) from None
    except (TimeoutError, OSError) as error:
        raise no_answer("fairplay", type(error).__name__) from None
    if not ckc:
        raise no_answer("fairplay", "no CKC")
    return ckc


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(MOST_CERTIFICATE_BYTES + 1)
    if not 0 < len(raw) <= MOST_CERTIFICATE_BYTES:
        raise OSError(f"a certificate has 1 to {MOST_CERTIFICATE_BYTES} bytes")
    return raw


FAIRPLAY_ROUTES: Final = (
    Route(
        method="GET", path="/v1/fairplay/certificate", handler=certificate, permission=PUBLIC,
        summary="The application certificate of FairPlay", response_type=CERTIFICATE_TYPE, tag="playing",
        problems=("not-configured",),
    ),
    Route(
        method="POST", path="/v1/licences/fairplay", handler=fairplay_licence, permission=PUBLIC, raw=True,
        body_types=("application/octet-stream",), max_body_bytes=MOST_SPC_BYTES, query=OfKey,
        response_type=SPC_TYPE, summary="A FairPlay licence (CKC for an SPC) of one key for a playback token",
        tag="playing", headers=HEADERS, problems=(*PROBLEMS, "not-configured"),
    ),
)  # fmt: skip
