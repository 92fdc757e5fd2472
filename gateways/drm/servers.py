"""The licence servers that the settings name, for the routes that pass requests on to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateways.drm.fairplay_ksm import FairPlayKsm, module_of
from gateways.drm.upstream import Upstream
from schemas.drm.views import ENFORCEABLE, System
from streams.core.licence_settings import FairPlayLicences, PlayReadyLicences, WidevineLicences
from streams.core.settings import Settings

CLEAR_KEY_ENFORCES: Final = ()
"""A browser keeps Clear Key's keys in the clear: there is no rule that it could enforce."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """None: the setting of that system is empty. `clock` gives seconds since 1970."""

    upstream: Upstream
    widevine: WidevineLicences | None = None
    playready: PlayReadyLicences | None = None
    fairplay: FairPlayLicences | None = None
    ksm: FairPlayKsm | None = None
    clock: Callable[[], float] = time.time

    def enforces(self, system: System) -> Collection[str] | None:
        """Rules of `schemas.drm.views.ENFORCEABLE` that a system holds players to; None: it is not set."""
        if system == "clearkey":
            return CLEAR_KEY_ENFORCES
        if system == "widevine":
            return ENFORCEABLE if self.widevine is not None else None
        if system == "playready":
            return self.playready.enforces if self.playready is not None else None
        return self.ksm.enforces if self.ksm is not None else None

    async def close(self) -> None:
        """Once, at the end."""
        if self.ksm is not None:
            await self.ksm.close()
        await self.upstream.close()


SERVERS: Final = web.AppKey("servers", Servers)


def servers(settings: Settings, upstream: Upstream) -> Servers:
    """Raises SettingsError for a plug-in that is not there."""
    fairplay = settings.fairplay_licences
    return Servers(
        upstream=upstream,
        widevine=settings.widevine_licences,
        playready=settings.playready_licences,
        fairplay=fairplay,
        ksm=module_of(fairplay, upstream) if fairplay is not None else None,
    )
