"""The drm service: licences for players, content keys for packagers."""

from __future__ import annotations

import dataclasses
from typing import Final

from aiohttp import web

from gateways.core.app import Service
from gateways.core.platform import Platform
from gateways.drm.administration import ADMINISTRATION_ROUTES
from gateways.drm.licensing import LICENSING, Licensing
from gateways.drm.packaging import PACKAGING_ROUTES, packaging
from gateways.drm.playback_tokens import PlaybackTokens
from gateways.drm.playing import PLAYING_ROUTES
from gateways.drm.relays import RELAY_ROUTES
from gateways.drm.servers import SERVERS, servers
from gateways.drm.upstream import Upstream
from schemas.drm.views import ACCOUNTS, FILMS, POLICIES
from schemas.media.views import LIBRARY
from streams.core.content_keys import ContentKeys
from streams.core.sealing import Sealer


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    pack, vault = packaging(platform), platform.vault()
    licensing = Licensing(
        tokens=PlaybackTokens(vault),
        producer=platform.producer("drm"),
        keys=ContentKeys(vault),
        projections=await platform.projections(),
        hub=await platform.hub(),
        accounts=platform.projection(ACCOUNTS),
        films=platform.projection(FILMS),
        policies=platform.projection(POLICIES),
        library=platform.projection(LIBRARY),
        countries=platform.countries(),
        anonymisers=platform.anonymisers(),
        sealer=Sealer(vault),
        history=platform.history(),
    )

    licence_servers = servers(platform.settings, Upstream())
    platform.own("licence servers", lambda: licence_servers)

    def prepare(app: web.Application) -> None:
        pack(app)
        app[SERVERS] = licence_servers
        app[LICENSING] = licensing

    return dataclasses.replace(SERVICE, prepare=prepare)


SERVICE: Final = Service(
    name="drm",
    about="It gives players licences of Clear Key, and those of Widevine, PlayReady and FairPlay by way of "
    "the licence servers that are set; and packagers content keys (SPEKE, Widevine's key API).",
    called_from=("streaming", "identity"),
    needs=("kafka", "redis", "vault"),
    routes=(*PLAYING_ROUTES, *RELAY_ROUTES, *ADMINISTRATION_ROUTES, *PACKAGING_ROUTES),
    build=build,
)
