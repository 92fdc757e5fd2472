"""The analytics service in memory, for the pages alone: its questions, its socket, and scripted trouble."""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from typing import Any, Protocol

from aiohttp import WSMsgType, web

Json = dict[str, Any]
HOUR_MS = 3_600_000
STEPS_MS = {"minute": 60_000, "hour": HOUR_MS, "day": 24 * HOUR_MS, "week": 168 * HOUR_MS}
KEYS = {
    "country": ["DE", "US", "FR", "JP", "BR", ""], "device": ["desktop", "mobile", "tv", "tablet"],
    "os": ["Windows", "Android", "iOS", "macOS"], "browser": ["Chrome", "Safari", "Firefox"],
    "player": ["hls.js", "shaka-player"], "referrer": ["", "news.example", "search.example"],
    "source": ["json", "cmcd2", "cmcd1"], "rendition": ["1080p", "720p", "480p", "360p"],
}  # fmt: skip
RATES = {
    "completion_rate": 0.412, "finished_rate": 0.38, "failure_rate": 0.0061, "exit_rate": 0.034,
    "stalled_share": 0.0084, "stalled_views_rate": 0.061, "stalls_per_hour": 1.7, "bitrate_kbps": 3420.0,
    "startup_median_ms": 640.0, "startup_p95_ms": 2140.0, "average_playing_ms": 214_000.0,
}  # fmt: skip
UPTO_MS = (
    *range(100, 2000, 100),
    *range(2000, 5000, 500),
    *range(5000, 10_000, 1000),
    10_000,
    20_000,
    30_000,
)
UNCOUNTED = "9" * 32


class Holder(Protocol):
    """The server that it is a part of."""

    assets: dict[str, Json]


def now_ms() -> int:
    return int(time.time() * 1000)


def measured(name: str, views: int, at: int = 0) -> float | None:
    """A value of a metric where there were so many views; `at` moves it a little."""
    if name in RATES:
        return RATES[name] * (1 + 0.08 * math.sin(at * 1.7)) if views else None
    per_view = {"playing_ms": 214_000, "viewers": 0.71, "engaged_views": 0.83, "sessions": 1.04}
    return int(views * per_view.get(name, 1))


def beat(number: int, kind: str, state: str, playhead_ms: int | None, **more: Any) -> Json:
    at_ms = now_ms() - 600_000 + number * 10_000
    return {
        "sn": number, "kind": kind, "state": state, "at_ms": at_ms, "ts_ms": at_ms - 3000,
        "received_at_ms": at_ms + 400, "playhead_ms": playhead_ms, "rate": 1.0, "rendition": "720p",
        "bitrate_kbps": 2900, "error": "", "decided": [], **more,
    }  # fmt: skip


class StubAnalytics:
    """State, and the levers a test pulls: `views` a day (0: nothing was watched), `say` to dashboards."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self.views = 1200
        self.bots = 37
        self.age_ms = 0  # of the answers
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.uncounted: Json | None = None
        self.up = True  # ClickHouse
        self.messages = [3, 0, 8, 21, 4, 0, 0, 2]
        self.now = {"viewers": 42}
        self.wishes: list[Json] = []
        self._sockets: set[web.WebSocketResponse] = set()

    # -- levers

    async def say(self, **fields: int) -> None:
        """What changed, to every dashboard."""
        self.now |= fields
        for socket in tuple(self._sockets):
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"type": "delta", "at_ms": now_ms(), **self.now})

    async def drop(self, code: int = 1001) -> None:
        """Every connection ends."""
        for socket in tuple(self._sockets):
            await socket.close(code=code)

    def questions(self, path: str) -> list[dict[str, str]]:
        """Those that were asked at this path."""
        return [query for asked, query in self.asked if asked == path]

    # -- the service

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1/live", self._live)
        for path, handler in {
            "/v1/metrics": self._metrics, "/v1/concurrency": self._concurrency, "/v1/startup": self._startup,
            "/v1/delivery": self._delivery, "/v1/funnels/{funnel}": self._funnel, "/v1/system": self._system,
            "/v1/videos/{asset_id}/retention": self._retention, "/v1/videos/{asset_id}/chat": self._chat,
            "/v1/views": self._views, "/v1/views/{view_id}": self._view,
        }.items():  # fmt: skip
            router.add_get(path, self._heard(handler))

    def _heard(self, handler: Any) -> Any:
        async def answer(request: web.Request) -> web.Response:
            self.asked.append((request.path, dict(request.query)))
            found = handler(request)
            if found is None:
                raise KeyError(request.path)
            return web.json_response({"as_of_ms": now_ms() - self.age_ms, **found})

        return answer

    def _edges(self, query: Any) -> list[int]:
        step = STEPS_MS.get(query.get("interval", "day"), STEPS_MS["day"])
        end = int(query.get("to") or now_ms())
        return list(range(int(query["from"]), end, step))

    def _of(self, at: int, interval: str) -> int:
        """Views in an interval: a week has its weekend, a day its evening."""
        if interval == "hour":
            return int(self.views / 24 * (1 + 0.8 * math.sin((at % 24 - 14) / 24 * 2 * math.pi)))
        if interval == "minute":
            return int(self.views / 1440 * (1 + 0.5 * math.sin(at / 7)) + 0.9)
        return int(self.views * (1 + 0.012 * at) * (1.3 if at % 7 in (5, 6) else 1.0))

    def _metrics(self, request: web.Request) -> Json:
        query = request.query
        names, group = query["metrics"].split(","), query.get("group_by", "none")
        interval = query.get("interval", "day")

        def numbers(factor: float) -> Json:
            if group == "time":
                edges = self._edges(query)
                amounts = [int(self._of(at, interval) * factor) for at in range(len(edges))]
                rows = [
                    {"at_ms": edge, **{name: measured(name, amount, at) for name in names}}
                    for at, (edge, amount) in enumerate(zip(edges, amounts, strict=True))
                ]
            else:
                assets = [item["id"] for item in self._holder.assets.values() if item["state"] == "ready"]
                keys = [] if group == "none" else assets if group == "asset" else KEYS[group]
                amounts = [int(30 * self.views * factor * 0.55 / 1.7**at) for at in range(len(keys))]
                rows = [
                    {"key": key, **{name: measured(name, amount, at) for name in names}}
                    for at, (key, amount) in enumerate(zip(keys, amounts, strict=True))
                    if amount
                ]
                amounts = amounts or [int(30 * self.views * factor)]
            limit = int(query.get("limit", "100"))
            kept = rows if group == "time" else rows[:limit]
            totals = {name: measured(name, sum(amounts)) for name in names}
            more = len(rows) > len(kept)
            return {"rows": kept, "totals": totals, "from_ms": 0, "to_ms": 0, "more": more}

        before = numbers(0.88) if query.get("compare") else None
        return {
            "metrics": names, "group_by": group, "interval": interval, "previous": before,
            "timezone": query.get("timezone", "UTC"), "bots_excluded": self.bots,
            "definitions": {name: {"unit": "", "about": f"what {name} is"} for name in names},
            **numbers(1.0),
        }  # fmt: skip

    def _concurrency(self, request: web.Request) -> Json:
        edges = self._edges(request.query)
        points = [
            {"at_ms": edge, "viewers": int(self.views / 20 * (1 + math.sin(at / 3) * 0.6))}
            for at, edge in enumerate(edges)
        ]
        peak = max(points, key=lambda point: point["viewers"])
        return {"points": points, "peak": peak if peak["viewers"] else None}

    def _startup(self, _: web.Request) -> Json:
        counts = [int(self.views * 9 * math.exp(-((math.log(upto / 600)) ** 2))) for upto in UPTO_MS]
        buckets = [{"upto_ms": upto, "count": count} for upto, count in zip(UPTO_MS, counts, strict=True)]
        seen = bool(self.views)
        return {
            "buckets": [*buckets, {"upto_ms": None, "count": 3 if seen else 0}], "count": sum(counts),
            "median_ms": 640 if seen else None, "p95_ms": 2140 if seen else None,
        }  # fmt: skip

    def _delivery(self, request: web.Request) -> Json:
        group = request.query["group_by"]
        if group == "time":
            edges = self._edges(request.query)
            rows: list[Json] = [
                {
                    "at_ms": edge,
                    "bytes": self._of(at, "day") * 91_000_000,
                    "requests": self._of(at, "day") * 40,
                }
                for at, edge in enumerate(edges)
            ]
        else:
            keys = [*KEYS["rendition"], ""] if self.views else []
            rows = [
                {"key": key, "bytes": int(self.views * 1.5e9 / 2**at), "requests": self.views * 600 // 2**at}
                for at, key in enumerate(keys)
            ]
        totals = {name: sum(row[name] for row in rows) for name in ("bytes", "requests")}
        return {"rows": rows, "totals": totals}

    def _funnel(self, request: web.Request) -> Json:
        names = {
            "upload": ("created", "uploaded"), "encode": ("uploaded", "planned", "playable", "ready"),
            "licence": ("asked", "granted"),
            "playback": (
                "sessions", "views", "engaged_views", "reached_25", "reached_50", "reached_75", "reached_95",
                "finished_views",
            ),
        }[request.match_info["funnel"]]  # fmt: skip
        steps = [
            {"step": name, "count": int(self.views * 0.86**at), "median_ms": None if not at else 4100.0 * at}
            for at, name in enumerate(names)
        ]
        return {"steps": steps, "aside": [{"step": "failed", "count": 2, "median_ms": None}]}

    def _retention(self, request: web.Request) -> Json:
        film_ms = self._holder.assets[request.match_info["asset_id"]]["duration_ms"]
        seconds = range(math.ceil(film_ms / 1000))
        unique = [int(self.views * math.exp(-1.1 * at / len(seconds))) for at in seconds]
        again = [
            int(one * 0.3 * math.exp(-(((at / len(seconds) - 0.55) * 18) ** 2)))
            for at, one in enumerate(unique)
        ]
        skipped = [int(self.views * 0.1) if 0.2 < at / len(seconds) < 0.25 else 0 for at in seconds]
        return {
            "film_ms": film_ms, "step_ms": 1000, "views": self.views, "unique": unique, "skipped": skipped,
            "plays": [one + more for one, more in zip(unique, again, strict=True)], "replayed": again,
            "average_ms": 214_000.0 if self.views else None,
        }  # fmt: skip

    def _chat(self, request: web.Request) -> Json:
        people = [min(count, 5) for count in self.messages]
        step_ms = int(request.query["step_ms"])
        return {
            "step_ms": step_ms, "messages": self.messages, "people": people, "total": sum(self.messages)
        }  # fmt: skip

    # -- sessions

    def session(self, number: int, **more: Any) -> Json:
        """A session as lists show it."""
        asset = next((item for item in self._holder.assets.values() if item["state"] == "ready"), None)
        film_ms = asset["duration_ms"] if asset else 60_000
        started_at_ms = now_ms() - number * 340_000
        return {
            "view_id": hashlib.sha256(str(number).encode()).hexdigest()[:32], "revision": 12,
            "asset_id": asset["id"] if asset else "gone", "owner_id": "", "film_ms": film_ms,
            "source": "json", "player": "hls.js 1.7.4", "country": KEYS["country"][number % 6],
            "device": KEYS["device"][number % 4], "os": "Windows", "browser": KEYS["browser"][number % 3],
            "referrer": "", "bot": False, "started_at_ms": started_at_ms, "state": "ended",
            "last_at_ms": started_at_ms + 200_000, "startup_ms": 420 + number % 9 * 130, "started": True,
            "engaged": True, "failed": False, "error": "", "exited_before_start": False, "finished": True,
            "watched_ms": 201_000, "playing_ms": 190_000 - number % 7 * 20_000, "media_ms": 190_000,
            "covered_ms": int(film_ms * (0.2 + number % 8 / 10)), "stalled_ms": number % 4 * 900,
            "stalls": number % 4, "seeks": 2, "switches": 3, "kbits": 600_000, "bitrate_ms": 190_000,
            "rendition_ms": {"720p": 190_000}, "dropped_frames": 4, "max_playhead_ms": film_ms,
            "counted": True, "reasons": [], "clamped": 0, "gaps": 0, **more,
        }  # fmt: skip

    def _sessions(self) -> list[Json]:
        if not self.views:
            return []
        robot = self.session(
            3, view_id=UNCOUNTED, counted=False, reasons=["no_first_frame"], started=False, engaged=False,
            startup_ms=None, playing_ms=0, media_ms=0, covered_ms=0, exited_before_start=True, finished=False,
            state="starting", gaps=1,
        )  # fmt: skip
        return [robot if number == 3 else self.session(number) for number in range(1, 70)]

    def _views(self, request: web.Request) -> Json:
        which, cursor = request.query.get("which", "all"), int(request.query.get("cursor", "0"))
        wanted = {
            "counted": lambda view: view["counted"], "uncounted": lambda view: not view["counted"],
            "failed": lambda view: view["failed"], "stalled": lambda view: view["stalls"] > 0,
        }.get(which, lambda _: True)  # fmt: skip
        found = [view for view in self._sessions() if wanted(view)]
        end = cursor + int(request.query.get("limit", "50"))
        return {"items": found[cursor:end], "next_cursor": str(end) if end < len(found) else None}

    def _view(self, request: web.Request) -> Json | None:
        view_id = request.match_info["view_id"]
        view = next((view for view in self._sessions() if view["view_id"] == view_id), None)
        if view is None:
            return None
        if not view["counted"]:
            beats = [
                beat(0, "start", "starting", 0),
                beat(1, "interval", "starting", 0, decided=["repeated"]),
                beat(4, "end", "ended", 0, decided=["gap_before", "clamped:playhead_ms"]),
            ]
            sentence = "No first frame was shown, and a view begins with it."
            reasons = [{"code": "no_first_frame", "sentence": sentence}]
            return {
                "view": view,
                "counted": False,
                "reasons": reasons,
                "beats": beats,
                "repeated": 1,
                "more": False,
            }
        beats = [
            beat(0, "start", "starting", 0), beat(1, "first_frame", "playing", 0),
            beat(2, "interval", "playing", 10_000), beat(3, "state", "rebuffering", 14_000),
            beat(4, "state", "playing", 14_000), beat(5, "state", "paused", 24_000),
            beat(6, "state", "playing", 24_000, rate=1.5),
            beat(7, "seek", "seeking", 120_000, decided=["late"]),
            beat(8, "state", "playing", 120_000), beat(9, "end", "ended", 130_000),
        ]  # fmt: skip
        return {"view": view, "counted": True, "reasons": [], "beats": beats, "repeated": 0, "more": False}

    def _system(self, _: web.Request) -> Json:
        names = (
            "analytics_views",
            "analytics_beats",
            "analytics_delivery",
            "analytics_steps",
            "chat_messages",
        )
        tables = [
            {
                "name": name, "rows": 4_210_000 // (at + 1), "bytes": 812_000_000 // (at + 1),
                "newest_at_ms": now_ms() - 1500 * (at + 1), "appended_at_ms": now_ms() - 1000 * (at + 1),
            }
            for at, name in enumerate(names)
        ]  # fmt: skip
        encoding = {"created": 14, "ready": 12, "failed": 1, "working": 2, "encode_median_ms": 94_000.0}
        return {
            "dependencies": {name: {"ok": True, "latency_ms": 1.2} for name in ("kafka", "redis")},
            "clickhouse": self.up, "tables": tables if self.up else [],
            "encoding": encoding if self.up else None,
            "backlog": [
                {"consumer": "analytics", "topic": "analytics.playback.events", "agents": ["analytics.view"],
                 "events": 0, "oldest_ms": 0},
                {"consumer": "history", "topic": "analytics.playback.events",
                 "agents": ["analytics.beats", "analytics.delivery"], "events": 0 if self.up else 4210,
                 "oldest_ms": 0 if self.up else 42_000},
                {"consumer": "history", "topic": "analytics.view.events", "agents": ["analytics.views"],
                 "events": 0 if self.up else 790, "oldest_ms": 0 if self.up else 41_000},
            ],
        }  # fmt: skip

    # -- now

    def snapshot(self) -> Json:
        minute = now_ms() // 60_000 * 60_000
        watching = self.now["viewers"]
        ready = [item for item in self._holder.assets.values() if item["state"] == "ready"][:5]
        top = [
            {"asset_id": item["id"], "title": item["title"], "viewers": max(1, watching // 2 ** (at + 1))}
            for at, item in enumerate(ready)
        ]
        return {
            "type": "snapshot", "at_ms": now_ms(), "viewers": watching, "top": top if watching else [],
            "last_minutes": [
                {"at_ms": minute - (29 - at) * 60_000, "viewers": int(watching * (1 + math.sin(at / 4) / 5))}
                for at in range(30)
            ],
        }  # fmt: skip

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        while not socket.closed:
            try:
                message = await socket.receive(timeout=1)
            except TimeoutError:
                await self.say()
                continue
            if message.type is WSMsgType.TEXT:
                self.wishes.append(message.json())
                await socket.send_json(self.snapshot())
        self._sockets.discard(socket)
        return socket
