"""OpenAPI documents of all services without starting any: what `kinolog generate` writes and checks."""

from __future__ import annotations

from typing import Any

import orjson

from gateways.core.app import VERSION, Service, all_routes
from gateways.core.health import Health
from gateways.core.reference import Reference


def openapi_document(service: Service) -> dict[str, Any]:
    """The document of `service`, the same that its /openapi.json serves."""
    reference = Reference(service.name, VERSION, "")
    return reference.describe(all_routes(service, Health(service.name, {}), reference))


def openapi_files() -> dict[str, bytes]:
    """Path under the checkout -> content, for every service of the map: docs/openapi/<service>.json."""
    from gateways.services import SERVICES  # late: the services import this package

    return {
        f"docs/openapi/{name}.json": orjson.dumps(
            openapi_document(service), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
        for name, service in SERVICES.items()
    }
