"""The API's description and the pages: complete, valid, from our own host only."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateways.core.describe import openapi_document
from gateways.core.problem import KINDS
from gateways.services import SERVICES, openapi_files
from tests.unit.gateways.conftest import Gateway


def references(node: Any) -> set[str]:
    """Every $ref below a node."""
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_documented_route_is_described_with_its_permission(name: str) -> None:
    document = openapi_document(SERVICES[name])
    described = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    for route in SERVICES[name].routes:
        if route.documented:
            operation = described[route.name]
            assert operation["x-permission"] == route.permission
            assert bool(operation["security"]) == (route.permission != "public")
            assert str(route.status) in operation["responses"]
            for problem in route.problems:
                assert str(KINDS[problem].status) in operation["responses"]
    ids = [operation["operationId"] for operation in described.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_reference_leads_somewhere(name: str) -> None:
    document = openapi_document(SERVICES[name])
    for reference in references(document):
        schema = re.fullmatch(r"#/components/schemas/(\w+)", reference)
        assert schema is not None
        assert schema.group(1) in document["components"]["schemas"]


def test_the_description_is_the_same_every_time() -> None:
    assert openapi_files() == openapi_files()
    assert set(openapi_files()) == {f"docs/openapi/{name}.json" for name in SERVICES}


async def test_what_is_served_is_what_is_described(gateway: Gateway) -> None:
    assert await (await gateway.client.get("/openapi.json")).json() == openapi_document(SERVICES["streaming"])


async def test_the_reference_page_loads_from_here_alone(gateway: Gateway) -> None:
    page = await gateway.client.get("/docs")
    text = await page.text()
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    for address in re.findall(r'(?:src|href)="([^"]+)"', text):
        if not address.startswith("data:"):
            assert (await gateway.client.get(address)).status == 200, address
    assert "<script>" not in text
    assert (await gateway.client.get("/docs/package.json")).status == 404


@pytest.mark.parametrize("path", ["/", "/watch/abc", "/assets/abc/log"])
async def test_pages_are_open_and_load_from_here_alone(gateway: Gateway, path: str) -> None:
    page = await gateway.client.get(path)
    assert (page.status, page.content_type) == (200, "text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in re.search(r"script-src[^;]*", policy)[0]  # type: ignore[index]
    for address in re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', await page.text()):
        assert address.startswith("/")
        found = await gateway.client.get(address)
        assert found.status == 200, address
        assert found.headers["ETag"]


async def test_files_of_pages_are_revalidated_and_nothing_else_is_served(gateway: Gateway) -> None:
    first = await gateway.client.get("/web/shared/theme.js")
    again = await gateway.client.get("/web/shared/theme.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status, again.status) == (200, 304)
    for path in (
        "/web/package.json", "/web/site.py", "/web/%2e%2e/core/auth.py", "/web/node_modules/lit/index.js",
        "/modules/axe-core/axe.js", "/modules/lit/%2e%2e/axe-core/axe.js", "/modules/nothing/x.js",
    ):  # fmt: skip
        assert (await gateway.client.get(path)).status == 404, path
