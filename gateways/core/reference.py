"""/openapi.json and /docs: the description of a service, and a page to read it (swagger-ui, our own copy)."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web

from gateways.core.headers import REFERENCE_POLICY
from gateways.core.openapi import document
from gateways.core.permissions import PUBLIC
from gateways.core.problem import Problem
from gateways.core.routes import Handler, Route

_FILES: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
_START: Final = b"""window.ui = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null, tryItOutEnabled: false,
});
"""
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
  <main id="reference"></main>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
"""


class Reference:
    """Serves one service's description. `modules_folder` is where npm put swagger-ui-dist."""

    def __init__(self, service: str, version: str, modules_folder: str) -> None:
        self._service = service
        self._version = version
        self._folder = Path(modules_folder) / "swagger-ui-dist"
        self._document = b""
        self._page = _PAGE.format(title=html.escape(f"Kinolog: {service} API")).encode()

    def describe(self, routes: Iterable[Route]) -> dict[str, Any]:
        """Fix the document; called once, with every route of the service, these included."""
        described = document(self._service, routes, self._version)
        self._document = orjson.dumps(described)
        return described

    async def openapi(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._document, content_type="application/json", headers={"Cache-Control": "no-cache"}
        )

    async def page(self, _: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": REFERENCE_POLICY, "Cache-Control": "no-cache"}
        return web.Response(body=self._page, content_type="text/html", charset="utf-8", headers=headers)

    async def file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        headers = {"Cache-Control": "public, max-age=3600"}
        if name == "start.js":
            return web.Response(body=_START, content_type="text/javascript", headers=headers)
        path = self._folder / name
        if name not in _FILES or not path.is_file():
            raise Problem("not-found", "This file of the API reference is missing; run 'make setup'.")
        return web.FileResponse(path, headers={**headers, "Content-Type": _FILES[name]})

    def routes(self) -> tuple[Route, ...]:
        """Open to all: the description holds no data."""
        return (
            _route("/openapi.json", self.openapi, "This document", documented=True),
            _route("/docs", self.page, "API reference", documented=False),
            _route("/docs/{file}", self.file, "Its files", documented=False),
        )


def _route(path: str, handler: Handler, summary: str, *, documented: bool) -> Route:
    return Route(
        method="GET", path=path, handler=handler, permission=PUBLIC, summary=summary, documented=documented,
        max_body_bytes=0, tag="reference", limits=None,
    )  # fmt: skip
