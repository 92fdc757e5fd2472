"""The drm service: content keys for packagers; licences come with the domain."""

from __future__ import annotations

import dataclasses
from typing import Final

from gateways.core.app import Service
from gateways.core.platform import Platform
from gateways.drm.packaging import PACKAGING_ROUTES, packaging


async def build(platform: Platform) -> Service:
    """The service with the process's clients."""
    return dataclasses.replace(SERVICE, prepare=packaging(platform))


SERVICE: Final = Service(
    name="drm",
    about="It gives packagers content keys (SPEKE, Widevine's key API). Licences are not there yet.",
    needs=("kafka", "redis", "vault"),
    routes=PACKAGING_ROUTES,
    build=build,
)
