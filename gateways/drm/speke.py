"""SPEKE 2.0: a packager asks for content keys and gets them with the signalling of each protection system."""

from __future__ import annotations

import hashlib
from typing import Final

from aiohttp import web

from gateways.core.endpoint import raw_body_of
from gateways.core.permissions import DRM_PACKAGE
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from gateways.core.routes import Route
from gateways.drm import cpix
from gateways.drm.taking import TAKING, Taker
from streams.core.packager_keys import OtherScheme

SPEKE: Final = "2.0"
_HEADERS: Final = {"X-Speke-Version": SPEKE, "X-Speke-User-Agent": "kinolog"}


def content_of(caller: Principal, content_id: str) -> str:
    """Under which name a packager's content is kept: nobody gets at another's by naming it alike."""
    return hashlib.sha256(f"{caller.actor}|{content_id}".encode()).hexdigest()[:32]


async def take_keys(request: web.Request) -> web.Response:
    """Keys are made at the first asking; asking again gives the same ones."""
    if request.headers.get("X-Speke-Version") != SPEKE:
        raise Problem("validation", f"Send X-Speke-Version: {SPEKE}, the only one spoken.", headers=_HEADERS)
    try:
        asked = cpix.read(raw_body_of(request))
        caller = principal_of(request)
        taker, content = Taker(caller.actor, "speke", caller.key_id), content_of(caller, asked.content_id)
        keys = await request.app[TAKING].take(taker, content, asked.scheme, asked.kids)
    except (cpix.CpixError, OtherScheme) as error:
        raise Problem("validation", str(error), headers=_HEADERS) from None
    return web.Response(
        body=cpix.fill(asked, keys),
        content_type="application/xml",
        charset="utf-8",
        headers={"Cache-Control": "no-store", **_HEADERS},
    )


SPEKE_ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/speke",
        handler=take_keys,
        permission=DRM_PACKAGE,
        summary="Give a packager content keys and signalling (SPEKE 2.0, CPIX 2.3)",
        response_type="application/xml",
        raw=True,
        body_types=("application/xml", "text/xml"),
        max_body_bytes=cpix.MOST_BYTES,
        headers=(("X-Speke-Version", f"{SPEKE}, the only one spoken"),),
        problems=("validation", "unavailable"),
        tag="packagers",
    ),
)
