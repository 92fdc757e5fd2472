"""aiohttp handlers of the pages: what a service with pages adds to its routes (all public, GET and HEAD)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateways.web.site import PAGE_HEADERS, PAGES, Asset, Site

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page_handlers(site: Site, service: str) -> list[tuple[str, Handler]]:
    """(path, handler) pairs: a service's pages and their files; they hold no data, so all are public."""
    routes = [(path, _page(site, name)) for path, (name, _) in PAGES[service].items()]
    routes.append(("/web/{path:.+}", _file(site.own_file)))
    routes.append(("/modules/{path:.+}", _file(site.module_file)))
    routes.append(("/favicon.ico", _favicon(site)))
    return routes


def _page(site: Site, name: str) -> Handler:
    async def show_page(request: web.Request) -> web.StreamResponse:
        body, policy = site.page(name, request.host)
        headers = {**PAGE_HEADERS, "Content-Security-Policy": policy}
        return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)

    return show_page


def _file(find: Callable[[str], Asset | None]) -> Handler:
    async def send_file(request: web.Request) -> web.StreamResponse:
        asset = find(request.match_info["path"])
        if asset is None:
            raise web.HTTPNotFound(text=f"No file is served at {request.path}.")
        return _answer(request, asset)

    return send_file


def _favicon(site: Site) -> Handler:
    async def send_favicon(request: web.Request) -> web.StreamResponse:
        asset = site.own_file("shared/mark.svg")
        if asset is None:
            raise web.HTTPNotFound(text="The mark is missing from gateways/web/shared.")
        return _answer(request, asset)

    return send_favicon


def _answer(request: web.Request, asset: Asset) -> web.Response:
    headers = {
        "Cache-Control": asset.cache_control,
        "Content-Type": asset.content_type,
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("If-None-Match") == asset.etag:
        return web.Response(status=304, headers=headers)
    body = asset.body
    if asset.gzipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = asset.gzipped
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers)
