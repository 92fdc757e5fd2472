"""What packagers outside call: routes, and what these need of the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from gateways.core.platform import Platform
from gateways.drm.speke import PACKAGER_KEYS, SPEKE_ROUTES
from gateways.drm.widevine_keys import SIGNERS, WIDEVINE_KEY_ROUTES
from streams.core.packager_keys import PackagerKeys

PACKAGING_ROUTES: Final = (*SPEKE_ROUTES, *WIDEVINE_KEY_ROUTES)


def packaging(platform: Platform) -> Callable[[web.Application], None]:
    """Puts it into the app."""
    keys, signers = PackagerKeys(platform.vault()), platform.settings.widevine_signers

    def prepare(app: web.Application) -> None:
        app[PACKAGER_KEYS], app[SIGNERS] = keys, signers

    return prepare
