"""A presentation as a plain mapping of paths to bytes, served over HTTP as it is.

A planted fault is then a function from one mapping to another, and the server knows nothing of faults.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

CONTENT_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".html": "text/html",
    ".js": "text/javascript",
    ".jpg": "image/jpeg",
    ".vtt": "text/vtt",
}

Files = Mapping[str, bytes]


@dataclass
class Site:
    """A running server: its address, and the paths that were asked for in vain."""

    url: str
    missed: list[str] = field(default_factory=list)


@contextmanager
def serving(files: Files) -> Iterator[Site]:
    """Serve `files` (paths without a leading slash) on a free loopback port while the block lasts."""
    ready: Future[Site] = Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        site = Site("")

        async def answer(request: web.Request) -> web.StreamResponse:
            path = request.path.lstrip("/")
            body = files.get(path)
            if body is None:
                site.missed.append(path)
                raise web.HTTPNotFound(text=f"{path} is not here")
            kind = CONTENT_TYPES.get(path[path.rfind(".") :], "application/octet-stream")
            return web.Response(body=body, content_type=kind)

        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set_result(site)
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        yield ready.result(timeout=10)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=10)
        loop.close()
