"""The pages of `gateways.web` as routes of the streaming service. They hold no data, so they are open."""

from __future__ import annotations

from functools import lru_cache

from aiohttp import web

from gateways.core.permissions import PUBLIC
from gateways.core.routes import Handler, Route
from gateways.web.handlers import page_routes
from gateways.web.site import PAGES, Site


@lru_cache(maxsize=1)
def _site_handlers() -> dict[str, Handler]:
    """Handlers by path; the site is opened at the first request, so that a description needs no modules."""
    return dict(page_routes(Site()))


def _late(path: str) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await _site_handlers()[path](request)

    return handle


def routes() -> tuple[Route, ...]:
    """One route for each page and for the files they load."""
    summaries = {path: f"Page: {title}" for path, (_, title) in PAGES.items()}
    files = {
        "/web/{path:.+}": "Modules and styles of the pages",
        "/modules/{path:.+}": "Third-party modules of the pages",
        "/favicon.ico": "The mark",
    }
    return tuple(
        Route(
            method="GET", path=path, handler=_late(path), permission=PUBLIC, summary=summary,
            response_type="text/html", max_body_bytes=0, documented=False, tag="pages", limits=None,
        )
        for path, summary in (summaries | files).items()
    )  # fmt: skip
