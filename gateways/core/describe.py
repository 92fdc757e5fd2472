"""OpenAPI documents of services without starting any: what `kinolog generate` writes and checks."""

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


def openapi_text(service: Service) -> str:
    """The document as it is checked in."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(openapi_document(service), option=option).decode()
