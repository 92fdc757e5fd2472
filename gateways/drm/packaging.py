"""What packagers outside call: routes, and what these need of the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from gateways.core.platform import Platform
from gateways.drm.speke import SPEKE_ROUTES
from gateways.drm.taking import TAKING, Taking
from gateways.drm.widevine_keys import SIGNERS, WIDEVINE_KEY_ROUTES
from streams.core.packager_keys import PackagerKeys

PACKAGING_ROUTES: Final = (*SPEKE_ROUTES, *WIDEVINE_KEY_ROUTES)


def packaging(platform: Platform) -> Callable[[web.Application], None]:
    """Puts it into the app."""
    taking = Taking(PackagerKeys(platform.vault()), platform.producer("drm"))

    def prepare(app: web.Application) -> None:
        app[TAKING], app[SIGNERS] = taking, platform.settings.widevine_signers

    return prepare
