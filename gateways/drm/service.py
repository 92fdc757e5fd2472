"""The drm service: content keys for packagers; licences come with the domain."""

from __future__ import annotations

import dataclasses
from typing import Final

from aiohttp import web

from gateways.core.app import Service
from gateways.core.platform import Platform
from gateways.drm.speke import PACKAGER_KEYS, SPEKE_ROUTES
from streams.core.packager_keys import PackagerKeys


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    return drm_service(PackagerKeys(platform.vault()))


SERVICE: Final = Service(
    name="drm",
    about="It gives packagers content keys (SPEKE). Licences are not there yet.",
    needs=("redis", "vault"),
    routes=SPEKE_ROUTES,
    build=build,
)


def drm_service(packager_keys: PackagerKeys) -> Service:
    """The service with everything its handlers work with."""

    def prepare(app: web.Application) -> None:
        app[PACKAGER_KEYS] = packager_keys

    return dataclasses.replace(SERVICE, prepare=prepare)
