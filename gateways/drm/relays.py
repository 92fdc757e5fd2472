"""Routes of licences that servers elsewhere make."""

from __future__ import annotations

from typing import Final

from gateways.drm.fairplay_licences import FAIRPLAY_ROUTES
from gateways.drm.playready_licences import PLAYREADY_LICENCE_ROUTE
from gateways.drm.widevine_licences import WIDEVINE_LICENCE_ROUTE

RELAY_ROUTES: Final = (WIDEVINE_LICENCE_ROUTE, PLAYREADY_LICENCE_ROUTE, *FAIRPLAY_ROUTES)
