"""OpenAPI 3.1 from the route declarations: what is served and what is documented cannot differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from gateways.core.adaptive import Priority
from gateways.core.auth import COOKIE
from gateways.core.permissions import OWN, PERMISSIONS, PUBLIC
from gateways.core.problem import CONTENT_TYPE, KINDS, TYPE_PREFIX
from gateways.core.routes import Route

_REF: Final = "#/components/schemas/{model}"
_RETRY_AFTER: Final = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
_HEADERS_OF: Final[Mapping[int, dict[str, Any]]] = {
    429: {
        "headers": {
            **_RETRY_AFTER,
            "RateLimit": {"description": "what is left of the narrowest rate", "schema": {"type": "string"}},
            "RateLimit-Policy": {"description": "that rate", "schema": {"type": "string"}},
        }
    },
    503: {"headers": _RETRY_AFTER},
}
_PARAMETER_DOCS: Final = {
    "asset_id": "Id of an asset: lower-case letters, digits and hyphens.",
    "ce_id": "Id of an event (its `ce_id`).",
    "rendition": "Name of a rendition, such as `720p` or `audio`.",
    "profile_hash": "The encoding profile's hash: it changes when the bytes would.",
}


class ProblemDocument(BaseModel):
    """RFC 9457 problem; `type` is stable and made for programs, `detail` for people."""

    type: str = Field(description=f"`{TYPE_PREFIX}<kind>`", examples=[TYPE_PREFIX + "not-found"])
    title: str
    status: int
    detail: str = Field(description="a sentence that says what to do")
    trace_id: str = Field(description="32 hexadecimal digits; finds the request in logs and on the event log")


def document(service: str, routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The document of one service; equal for equal declarations (it is checked in)."""
    shown = [route for route in routes if route.documented]
    models = _models(shown)
    _, schemas = models_json_schema([(model, "serialization") for model in models], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Kinolog: {service}",
            "version": version,
            "description": "Generated from the gateway's route declarations; edited there.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in sorted({route.tag for route in shown if route.tag})],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.get("$defs", {}).items())),
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "API key or session token.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": "Set by signing in; by https `__Host-` precedes its name. A change also "
                    "needs this host as Origin.",
                },
            },
        },
    }


def _models(routes: Sequence[Route]) -> list[type[BaseModel]]:
    found: dict[type[BaseModel], None] = {ProblemDocument: None}
    for route in routes:
        for model in (route.body, route.response):
            if model is not None:
                found[model] = None
    return list(found)


def _operation(route: Route) -> dict[str, Any]:
    words = [part for part in route.template.replace("{", "").replace("}", "").split("/") if part]
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *words]).replace(".", "_").replace("-", "_"),
        "summary": route.summary,
        "description": _description(route),
        "tags": [route.tag] if route.tag else [],
        "security": _security(route),
        "x-permission": route.permission,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route),
    }
    body = _request_body(route)
    if body is not None:
        operation["requestBody"] = body
    return operation


def _description(route: Route) -> str:
    text = f"Permission `{route.permission}`: {PERMISSIONS[route.permission]}"
    if route.shared:
        text += " What its owner shows to everybody needs no credential."
    elif route.owned:
        text += f" `{route.permission}{OWN}` is enough for one's own."
    return text


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.permission == PUBLIC:
        return []
    return [{"apiKey": []}, {"session": []}, *([{}] if route.shared else [])]


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETER_DOCS.get(name, name.replace("_", " ")),
            "schema": {"type": "string"},
        }
        for name in route.parameters
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(ref_template=_REF)
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", ""),
            "schema": {key: value for key, value in field.items() if key not in {"title", "description"}},
        }
        for name, field in schema["properties"].items()
    ]


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in route.headers
    ]


def _request_body(route: Route) -> dict[str, Any] | None:
    if route.body is not None:
        schema = {"$ref": _REF.format(model=route.body.__name__)}
        return {"required": True, "content": {kind: {"schema": schema} for kind in route.body_types}}
    if route.raw:  # and of no model
        text = {"schema": {"type": "string"}}
        return {"required": True, "content": dict.fromkeys(route.body_types, text)}
    if not route.reads_stream:
        return None
    content: dict[str, Any] = {}
    for kind in route.body_types:
        if kind == "multipart/form-data":
            content[kind] = {
                "schema": {
                    "type": "object",
                    "properties": {
                        "title": {
                            "type": "string",
                            "description": "Stands before the file; its name otherwise.",
                        },
                        "visibility": {
                            "type": "string",
                            "enum": ["public", "unlisted", "private"],
                            "description": "Stands before the file; private otherwise.",
                        },
                        "file": {"type": "string", "format": "binary"},
                    },
                    "required": ["file"],
                }
            }
        else:
            content[kind] = {"schema": {"type": "string", "format": "binary"}}
    return {"required": True, "content": content}


def _responses(route: Route) -> dict[str, Any]:
    success: dict[str, Any] = {"description": route.summary}
    if route.response is not None:
        success["content"] = {
            route.response_type: {"schema": {"$ref": _REF.format(model=route.response.__name__)}}
        }
    elif route.status != 204:
        kind = "object" if route.response_type == "application/json" else "string"
        success["content"] = {route.response_type: {"schema": {"type": kind}}}
    for kind in route.other_types:
        success["content"][kind] = {"schema": {"type": "string"}}
    responses: dict[str, Any] = {str(status): success for status in (route.status, *route.also)}
    kinds = {*route.problems, *_implied_problems(route)}
    for status in sorted({KINDS[kind].status for kind in kinds}):
        titles = sorted(f"`{kind}`: {KINDS[kind].title}" for kind in kinds if KINDS[kind].status == status)
        responses[str(status)] = {
            "description": "; ".join(titles),
            "content": {CONTENT_TYPE: {"schema": {"$ref": _REF.format(model=ProblemDocument.__name__)}}},
            **_HEADERS_OF.get(status, {}),
        }
    return responses


def _implied_problems(route: Route) -> list[str]:
    implied = ["internal"]
    if route.permission != PUBLIC:
        implied += ["unauthenticated", "bad-credential", "forbidden", "cross-origin", "unavailable"]
    if route.rate_class is not None or route.permission != PUBLIC:
        implied += ["too-many-requests"]
    if route.priority is not Priority.ALWAYS and not route.reads_stream:
        implied += ["overloaded"]
    if route.raw:
        implied += ["malformed-request", "too-large", "unsupported-media-type"]
    elif route.body is not None:
        implied += ["malformed-request", "validation", "too-large", "unsupported-media-type"]
    if route.query is not None:
        implied += ["validation"]
    if route.timeout_s is not None and route.tag != "health":
        implied += ["deadline"]
    return implied
