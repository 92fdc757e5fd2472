"""The pages as routes of the services that have some. They hold no data, so they are open."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from aiohttp import web

from gateways.core.app import CORE
from gateways.core.permissions import PUBLIC
from gateways.core.routes import Handler, Route
from gateways.web.handlers import page_handlers
from gateways.web.site import PAGES, WEB_ROOT, Site


@lru_cache(maxsize=8)
def _handlers(service: str, places: Iterable[tuple[str, str]]) -> dict[str, Handler]:
    """Handlers by path; the site is opened at the first request, so that a description needs no modules."""
    return dict(page_handlers(Site(WEB_ROOT, dict(places)), service))


def _late(service: str, path: str) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        places = tuple(sorted(request.app[CORE].places.items()))
        return await _handlers(service, places)[path](request)

    return handle


def page_routes(service: str) -> tuple[Route, ...]:
    """One route for each page of a service and for the files they load."""
    summaries = {path: f"Page: {title}" for path, (_, title) in PAGES[service].items()}
    files = {
        "/web/{path:.+}": "Modules and styles of the pages",
        "/modules/{path:.+}": "Third-party modules of the pages",
        "/favicon.ico": "The mark",
    }
    return tuple(
        Route(
            method="GET", path=path, handler=_late(service, path), permission=PUBLIC, summary=summary,
            response_type="text/html", max_body_bytes=0, documented=False, tag="pages", limits=None,
        )
        for path, summary in (summaries | files).items()
    )  # fmt: skip
