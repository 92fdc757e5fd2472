"""Every service by name. The map says which there are; a difference is an error at start-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateways.analytics.service import SERVICE as ANALYTICS
from gateways.chat.service import SERVICE as CHAT
from gateways.core.app import Service
from gateways.core.describe import openapi_text
from gateways.drm.service import SERVICE as DRM
from gateways.identity.service import SERVICE as IDENTITY
from gateways.media.service import SERVICE as STREAMING
from gateways.registry.service import SERVICE as REGISTRY

SERVICES: Final[Mapping[str, Service]] = {
    service.name: service for service in (STREAMING, ANALYTICS, IDENTITY, CHAT, DRM, REGISTRY)
}


def openapi_files() -> dict[str, str]:
    """Path under the checkout -> text of each service's OpenAPI document."""
    return {f"docs/openapi/{name}.json": openapi_text(service) for name, service in SERVICES.items()}
