"""The HTTP API in memory, for the pages alone: same paths and shapes as the gateway, and scripted trouble.

Run it by hand with `python -m tests.e2e.stub_server --port 3900 [--scene full|empty|live]`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from gateways.web.handlers import page_handlers
from gateways.web.site import Site
from tests.e2e import stub_data
from tests.e2e.stub_analytics import StubAnalytics
from tests.e2e.stub_chat import StubChat
from tests.e2e.stub_data import Json
from tests.e2e.stub_media import Film, jpeg, make_film, picture

KEY = "stub-key"
GUEST = ["assets:read", "log:read", "session"]
ADMINISTRATOR = ["assets:change", "assets:delete", "assets:read", "assets:write", "log:read", "session"]
CREATOR = [
    "assets:change:own", "assets:delete:own", "assets:read:own", "assets:write", "log:read:own", "session"
]  # fmt: skip
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def problem(status: int, title: str, detail: str) -> web.Response:
    body = {
        "type": f"urn:kinolog:problem:{title.lower().replace(' ', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "trace_id": TRACE,
    }
    return web.json_response(body, status=status, content_type="application/problem+json")


def growing(playlist: list[str], segments: int) -> list[str]:
    """The playlist while only its first `segments` segments are encoded."""
    ends = [at for at, line in enumerate(playlist) if line.endswith(".m4s")]
    return [line.replace("TYPE:VOD", "TYPE:EVENT") for line in playlist[: ends[segments - 1] + 1]]


class Stub:
    """State, and the levers a test pulls: `hold`, `fail`, `put`, `progress`, `append`."""

    def __init__(self, film: Film | None = None) -> None:
        self.assets: dict[str, Json] = {}
        self.logs: dict[str, list[Json]] = {}
        self.film = film
        self.signed_in = True
        self.permissions = ADMINISTRATOR
        self.account_id: str | None = None
        self.reasons: list[str | None] = []  # of changes and deletions
        self.encoded_segments: int | None = None  # of an HLS film that grows; None: it is whole
        self.uploads: list[Json] = []
        self.wishes: list[Json] = []  # to protect a finished film
        self.films: dict[str, Json] = {}  # protected ones, as the drm service shows them
        self.policies = ["default"]
        self._streams: set[tuple[str, asyncio.Queue[tuple[str, Json]]]] = set()
        self._faults: list[tuple[Callable[[web.Request], bool], tuple[int, str, str], list[int]]] = []
        self._gates: dict[str, asyncio.Event] = {}
        self.chat = StubChat(self)
        self.analytics = StubAnalytics(self)
        self.places: dict[str, str] = {}
        self.reports: list[Json] = []  # of players
        self.port = 0
        self.app = self._build()

    # -- levers ---------------------------------------------------------------------------------------------
    def put(self, *items: Json) -> None:
        for item in items:
            self.assets[item["id"]] = item
            self._tell(f"asset/{item['id']}", "asset", item)

    def change(self, asset_id: str, **fields: Any) -> None:
        self.put(self.assets[asset_id] | fields)

    def progress(self, asset_id: str, **fields: Any) -> None:
        self._tell(f"asset/{asset_id}", "progress", fields)

    def append(self, asset_id: str, *entries: Json) -> None:
        self.logs.setdefault(asset_id, []).extend(entries)
        for entry in entries:
            self._tell(f"log/{asset_id}", "entry", entry)

    def fail(self, method: str, prefix: str, status: int, title: str, detail: str, times: int = 1) -> None:
        """The next `times` matching requests are answered with this problem."""

        def matches(request: web.Request) -> bool:
            return request.method == method and request.path.startswith(prefix)

        self._faults.append((matches, (status, title, detail), [times]))

    def open_chat(self) -> StubChat:
        """Pages opened from now on know of the chat service: this same server."""
        self.places["chat"] = f":{self.port}"
        return self.chat

    def open_analytics(self) -> StubAnalytics:
        """Pages opened from now on know of the analytics service: this same server. Who looks may see all."""
        self.places["analytics"] = f":{self.port}"
        self.permissions = [*self.permissions, "analytics:read"]
        return self.analytics

    def open_drm(self) -> None:
        """Pages opened from now on know of the drm service: this same server. Who looks may read there."""
        self.places["drm"] = f":{self.port}"
        self.permissions = [*self.permissions, "drm:read"]

    def heal(self) -> None:
        """No fault stays."""
        self._faults.clear()

    def hold(self, path: str) -> asyncio.Event:
        """Requests to exactly `path` wait until the returned event is set."""
        self._gates[path] = asyncio.Event()
        return self._gates[path]

    def watched(self, channel: str) -> bool:
        return any(name == channel for name, _ in self._streams)

    def _tell(self, channel: str, event: str, data: Json) -> None:
        for name, queue in self._streams:
            if name == channel:
                queue.put_nowait((event, data))

    # -- the application ------------------------------------------------------------------------------------
    def _build(self) -> web.Application:
        app = web.Application(middlewares=[self._trouble], client_max_size=2**30)
        for path, handler in page_handlers(Site(places=self.places), "streaming"):
            app.router.add_get(path, handler)
        self.chat.add_routes(app.router)
        app.router.add_post("/v1/beats", self._beats)
        self.analytics.add_routes(app.router)
        asset = "/v1/assets/{id}"
        app.router.add_get("/v1/session", self._session)
        app.router.add_post("/v1/session", self._open_session)
        app.router.add_delete("/v1/session", self._close_session)
        app.router.add_get("/v1/assets", self._list)
        app.router.add_post("/v1/assets", self._upload)
        app.router.add_get(asset, self._get)
        app.router.add_patch(asset, self._change)
        app.router.add_delete(asset, self._delete)
        app.router.add_get(f"{asset}/events", self._events)
        app.router.add_get(f"{asset}/log", self._log)
        app.router.add_get(f"{asset}/log/stream", self._log_stream)
        app.router.add_get("/v1/log/{id}", self._entry)
        app.router.add_post(f"{asset}/protection", self._protect)
        app.router.add_get("/v1/films/{id}", self._film)
        app.router.add_get("/v1/policies", self._policies)
        app.router.add_get("/v1/licences", self._licences)
        app.router.add_get(f"{asset}/poster.jpg", self._poster)
        app.router.add_get(asset + r"/{kind:hls|dash|storyboard\.vtt|storyboard}{path:.*}", self._media)
        return app

    @web.middleware
    async def _trouble(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/v1/"):
            gate = self._gates.get(request.path)
            if gate is not None:
                await gate.wait()
            for matches, fault, left in self._faults:
                if left[0] > 0 and matches(request):
                    left[0] -= 1
                    await request.release()
                    return problem(*fault)
            if not self.signed_in and request.path != "/v1/session" and not self._shared(request):
                return problem(401, "No valid credential", "Sign in with an API key.")
        try:
            return await handler(request)
        except KeyError:
            return problem(404, "There is no such thing", "No asset has this id. It may have been deleted.")

    def _shared(self, request: web.Request) -> bool:
        """Whether it is of a film that needs no sign-in; its log does."""
        if "room_id" in request.match_info or request.path in ("/v1/rooms", "/v1/socket"):
            return True
        item = self.assets.get(request.match_info.get("id", ""))
        return item is not None and item["visibility"] != "private" and "/log" not in request.path

    def _who(self) -> Json:
        return {"subject": "somebody", "account_id": self.account_id, "permissions": self.permissions}

    async def _session(self, _: web.Request) -> web.Response:
        return (
            web.json_response(self._who())
            if self.signed_in
            else problem(401, "No valid credential", "Sign in.")
        )

    async def _open_session(self, request: web.Request) -> web.Response:
        proof = await request.json()
        if proof.get("api_key") != KEY and proof.get("code") != "good":
            return problem(401, "The credential is not valid", "This key is not known.")
        self.signed_in = True
        self.permissions = ADMINISTRATOR if "api_key" in proof else GUEST
        return web.json_response(self._who(), status=201)

    async def _close_session(self, _: web.Request) -> web.Response:
        self.signed_in = False
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query.get("q", "").lower()
        limit, start = int(request.query.get("limit", "48")), int(request.query.get("cursor", "0"))
        items = [
            item
            for item in self.assets.values()
            if query in item["title"].lower()
            and item["state"] != "deleted"
            and request.query.get("visibility") in (None, item["visibility"])
        ]
        items.sort(key=lambda item: -item["created_at_ms"])
        more = str(start + limit) if len(items) > start + limit else None
        return web.json_response({"items": items[start : start + limit], "next_cursor": more})

    async def _upload(self, request: web.Request) -> web.Response:
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
        item = stub_data.asset(request.query["title"], "uploaded", age_s=0, duration_s=0, size_bytes=size)
        self.uploads.append(
            {
                "title": item["title"],
                "size": size,
                "key": request.headers.get("Idempotency-Key"),
                "protection": {
                    name: request.query[name]
                    for name in ("protection", "systems", "policy")
                    if name in request.query
                },
            }
        )
        self.put(item)
        return web.json_response(
            {"id": item["id"], "state": item["state"], "links": item["links"]}, status=202
        )

    async def _beats(self, request: web.Request) -> web.Response:
        self.reports.append(json.loads(await request.read()))
        return web.json_response({"accepted": 1, "refused": []}, status=202)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self.assets[request.match_info["id"]])

    async def _change(self, request: web.Request) -> web.Response:
        asset_id = request.match_info["id"]
        change = await request.json()
        self.reasons.append(change.pop("reason", None))
        self.change(asset_id, **change)
        return web.json_response({"id": asset_id, "asset": self.assets[asset_id]}, status=202)

    async def _protect(self, request: web.Request) -> web.Response:
        asset_id, wish = request.match_info["id"], await request.json()
        self.wishes.append(wish)
        self.change(asset_id, protecting={**wish, "version": 1, "percent": 0})
        return web.json_response({"id": asset_id, "asset": self.assets[asset_id]}, status=202)

    async def _film(self, request: web.Request) -> web.Response:
        return web.json_response(self.films[request.match_info["id"]])

    async def _policies(self, _: web.Request) -> web.Response:
        rules = {"stream_lease_s": 60}
        items = [
            {"policy_id": name, "version": 0, "rules": rules, "changed_at_ms": None} for name in self.policies
        ]
        return web.json_response({"items": items})

    async def _licences(self, _: web.Request) -> web.Response:
        return web.json_response({"items": [], "next_cursor": None})

    async def _delete(self, request: web.Request) -> web.Response:
        asset_id = request.match_info["id"]
        self.reasons.append(request.query.get("reason"))
        self.change(asset_id, state="deleted")
        return web.json_response({"id": asset_id, "state": "deleted"}, status=202)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        asset_id = request.match_info["id"]
        return await self._stream(request, f"asset/{asset_id}", [("asset", self.assets[asset_id])])

    async def _log(self, request: web.Request) -> web.Response:
        entries = (
            self.logs.get(request.match_info["id"], [])
            if request.match_info["id"] in self.assets
            else self.logs[request.match_info["id"]]
        )
        start, size = int(request.query.get("after", "0")), 200
        following = str(start + size) if len(entries) > start + size else None
        return web.json_response({"items": entries[start : start + size], "next_cursor": following})

    async def _log_stream(self, request: web.Request) -> web.StreamResponse:
        return await self._stream(request, f"log/{request.match_info['id']}", [])

    async def _entry(self, request: web.Request) -> web.Response:
        every = {entry["id"]: entry for entries in self.logs.values() for entry in entries}
        entry = every[request.match_info["id"]]
        cause = every.get(entry["causation_id"] or "")
        return web.json_response({"entry": entry, "causes": [cause] if cause else [], "effects": []})

    async def _stream(
        self, request: web.Request, channel: str, first: list[tuple[str, Json]]
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        queue: asyncio.Queue[tuple[str, Json]] = asyncio.Queue()
        for pair in first:
            queue.put_nowait(pair)
        self._streams.add((channel, queue))
        with contextlib.suppress(ConnectionResetError):
            try:
                while True:
                    event, data = await queue.get()
                    await response.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())
            finally:
                self._streams.discard((channel, queue))
        return response

    async def _poster(self, request: web.Request) -> web.Response:
        seed = int(request.match_info["id"][:6], 16)
        return web.Response(body=jpeg(picture(640, 360, seed)), content_type="image/jpeg")

    async def _media(self, request: web.Request) -> web.StreamResponse:
        kind, path = request.match_info["kind"], request.match_info["path"].lstrip("/")
        if self.film is None:
            raise KeyError(path)
        if kind == "storyboard.vtt":
            return web.Response(text=self.film.thumbnails(), content_type="text/vtt")
        if kind == "storyboard":
            return web.Response(body=self.film.storyboard, content_type="image/jpeg")
        if kind == "hls" and path == "master.m3u8":
            return web.Response(text=self.film.master(), content_type="application/vnd.apple.mpegurl")
        if kind == "hls" and path.endswith(".m3u8"):
            rung = path.removesuffix(".m3u8")
            text = (self.film.folder / rung / "index.m3u8").read_text()
            lines = [
                f"{rung}/{line}" if line and not line.startswith("#") else line for line in text.splitlines()
            ]
            if self.encoded_segments is not None:
                lines = growing(lines, self.encoded_segments)
            text = "\n".join(lines).replace('URI="init.mp4"', f'URI="{rung}/init.mp4"')
            return web.Response(text=text, content_type="application/vnd.apple.mpegurl")
        file = self.film.folder / ("dash" if kind == "dash" else ".") / path
        if not file.is_file():
            raise KeyError(path)
        return web.FileResponse(file)


@contextlib.asynccontextmanager
async def serving(stub: Stub, port: int = 0) -> AsyncIterator[str]:
    """Runs the stub on 127.0.0.1; gives its address without a slash at the end."""
    runner = web.AppRunner(stub.app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    stub.port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{stub.port}"
    await runner.cleanup()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3900)
    parser.add_argument("--scene", choices=("full", "empty", "live"), default="full")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stub = Stub(make_film(Path(folder)))
        if arguments.scene != "empty":
            stub.put(*stub_data.library())
            for asset_id in stub.assets:
                stub.logs[asset_id] = stub_data.log_of(asset_id)
        async with serving(stub, arguments.port) as address:
            print(address, flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
