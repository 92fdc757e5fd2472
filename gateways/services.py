"""Every service by name. The map says which there are; a difference is an error at start-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateways.analytics.service import SERVICE as ANALYTICS
from gateways.chat.service import SERVICE as CHAT
from gateways.core.app import VERSION, Service, all_routes
from gateways.core.describe import openapi_text
from gateways.core.health import Health
from gateways.core.permission_table import permissions_text
from gateways.core.reference import Reference
from gateways.core.routes import Route
from gateways.drm.service import SERVICE as DRM
from gateways.identity.service import SERVICE as IDENTITY
from gateways.media.service import SERVICE as STREAMING
from gateways.registry.service import SERVICE as REGISTRY

SERVICES: Final[Mapping[str, Service]] = {
    service.name: service for service in (STREAMING, ANALYTICS, IDENTITY, CHAT, DRM, REGISTRY)
}


def routes_of(service: Service) -> tuple[Route, ...]:
    """Every route that the service answers, those that all have included."""
    return all_routes(service, Health(service.name, {}), Reference(service.name, VERSION, ""))


def permissions_document() -> str:
    """docs/permissions.md."""
    return permissions_text({name: routes_of(service) for name, service in SERVICES.items()})


def openapi_files() -> dict[str, str]:
    """Path under the checkout -> text of each service's OpenAPI document."""
    return {f"docs/openapi/{name}.json": openapi_text(service) for name, service in SERVICES.items()}
