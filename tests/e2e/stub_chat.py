"""The chat service in memory, for the pages alone: its routes and its socket, and scripted trouble."""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import Any, Protocol

from aiohttp import WSMsgType, web

Json = dict[str, Any]

ADA = {"id": "a" * 32, "name": "Ada", "badge": "owner"}
BEN = {"id": "b" * 32, "name": "Ben", "badge": None}
CYD = {"id": "c" * 32, "name": "Cyd", "badge": "moderator"}
SETTINGS: Json = {
    "title": "The harbour", "topic": "", "access": "public", "mode": "open", "read_only": False,
    "archived": False, "slow_mode_s": 0, "followers_min_s": 0, "hold_first_messages": 0,
    "report_threshold": 3, "report_action": "flag",
}  # fmt: skip
RULES: Json = {
    "terms": [{"text": "bad word", "action": "hold", "whole_word": True}],
    "links": {"policy": "all", "allowed": [], "denied": [], "action": "hold"},
    "checks": {"run": {"at": 40, "action": "hold"}},
    "score": {"weights": {"links": 0.35, "caps": 0.2}, "hold_at": 0.6, "reject_at": None},
    "repeats": {"most": 2, "within_s": 60, "action": "reject"},
    "flood": {"most": 8, "within_s": 10},
}


class Holder(Protocol):
    """The server that it is a part of."""

    account_id: str | None
    permissions: list[str]
    signed_in: bool


def now_ms() -> int:
    return int(time.time() * 1000)


def room_document(room_id: str, **settings: Any) -> Json:
    """As `GET /v1/rooms/{room_id}` shows it."""
    return {
        "id": room_id, "asset_id": room_id[2:] if room_id.startswith("a-") else None,
        "settings": SETTINGS | settings, "moderators": [CYD["id"]], "member_count": 0, "follower_count": 0,
        "message_count": 12, "reactions": {}, "rules_version": 0, "created_at_ms": now_ms() - 86_400_000,
        "updated_at_ms": now_ms() - 60_000, "may_moderate": True,
    }  # fmt: skip


class StubChat:
    """State, and the levers a test pulls. `answer` is what becomes of what pages send: None is silence."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self.rooms: dict[str, Json] = {}
        self.items: dict[str, list[Json]] = {}
        self.pins: dict[str, list[Json]] = {}
        self.film: dict[str, list[Json]] = {}  # for the replay
        self.moderator = False
        self.presence = 3
        self.here: list[Json] | None = None  # by name, as in small rooms
        self.member: Json | None = None  # how who asks belongs to the rooms
        self.sanction: Json | None = None
        self.answer: Json | None = {"state": "accepted"}
        self.heard: list[Json] = []  # of sockets
        self.asked: list[tuple[str, str, Any]] = []  # changes over HTTP
        self.queue: Json = {"held": [], "reports": []}
        self.waiting: list[Json] = []  # for a moderator, of who asks
        self.person: Json = {}
        self.trial: Json = {}
        self.epoch = "1-12"
        self.blocks: list[str] = []
        self._id = 0
        self._sockets: dict[web.WebSocketResponse, set[str]] = {}

    # -- levers

    def room(self, room_id: str, **settings: Any) -> str:
        self.rooms[room_id] = room_document(room_id, **settings)
        self.items.setdefault(room_id, [])
        return room_id

    def message(self, room_id: str, author: Json, text: str, **more: Any) -> Json:
        """A message as rooms and pages of history show it; not yet said."""
        self._id += 1
        message_id = hashlib.sha256(f"{room_id}{self._id}".encode()).hexdigest()[:32]
        at_ms = more.pop("at_ms", now_ms())
        return {
            "id": self._id, "kind": "message", "message_id": message_id, "author": author, "text": text,
            "mentions": [], "reply_to": None, "media_ms": None, "at_ms": at_ms, "sent_at_ms": at_ms,
            "reactions": {}, **more,
        }  # fmt: skip

    async def say(self, room_id: str, author: Json, text: str, **more: Any) -> Json:
        """Somebody writes."""
        message = self.message(room_id, author, text, **more)
        await self.tell(room_id, message)
        return message

    async def delta(self, room_id: str, kind: str, **fields: Any) -> Json:
        """Something else happens in the room."""
        self._id += 1
        item = {"id": self._id, "kind": kind, "at_ms": now_ms(), **fields}
        await self.tell(room_id, item)
        return item

    async def tell(self, room_id: str, *items: Json) -> None:
        """Items, as one batch."""
        self.items[room_id] += items
        await self.send(room_id, {"type": "batch", "room": room_id, "items": list(items)})

    async def send(self, room_id: str, document: Json) -> None:
        """Anything, to all who listen to the room."""
        for socket, listens in tuple(self._sockets.items()):
            if room_id in listens:
                with contextlib.suppress(ConnectionError):
                    await socket.send_json(document)

    async def drop(self, code: int = 1001) -> None:
        """Every connection ends."""
        for socket in tuple(self._sockets):
            await socket.close(code=code)

    def said(self, kind: str) -> list[Json]:
        """What pages said over sockets, of one kind."""
        return [document for document in self.heard if document["type"] == kind]

    @property
    def listeners(self) -> int:
        return sum(bool(rooms) for rooms in self._sockets.values())

    # -- the service

    def add_routes(self, router: web.UrlDispatcher) -> None:
        room = "/v1/rooms/{room_id}"
        router.add_get("/v1/socket", self._socket)
        router.add_get("/v1/rooms", self._rooms)
        router.add_post("/v1/rooms", self._open)
        router.add_get("/v1/assets/{room_id}/room", self._of_asset)
        router.add_get(room, self._room)
        router.add_patch(room, self._change)
        router.add_get(room + "/messages", self._messages)
        router.add_get(room + "/replay", self._replay)
        for path, name in (("pins", "pins"), ("members", "members"), ("sanctions", "sanctions")):
            router.add_get(f"{room}/{path}", self._list(name))
        router.add_get(room + "/queue", self._queue)
        router.add_get(room + "/waiting", self._waiting)
        router.add_get(room + "/screening", self._screening)
        router.add_post(room + "/screening/trial", self._trial)
        router.add_get(room + "/accounts/{account_id}", self._person)
        for method in ("POST", "PUT", "DELETE"):
            router.add_route(method, room + "/{path:.+}", self._done)
            router.add_route(method, "/v1/blocks/{room_id}", self._done)

    async def _rooms(self, _: web.Request) -> web.Response:
        return web.json_response({"items": list(self.rooms.values()), "next_cursor": None})

    async def _open(self, request: web.Request) -> web.Response:
        wish = await request.json()
        room_id = self.room("r-" + "1" * 32, **wish)
        self.asked.append(("POST", "/v1/rooms", wish))
        return web.json_response(self.rooms[room_id], status=201)

    async def _waiting(self, _: web.Request) -> web.Response:
        return web.json_response({"items": self.waiting})

    async def _of_asset(self, request: web.Request) -> web.Response:
        room_id = f"a-{request.match_info['room_id']}"
        if room_id not in self.rooms:
            self.room(room_id)
        return web.json_response(self.rooms[room_id])

    async def _room(self, request: web.Request) -> web.Response:
        return web.json_response(self.rooms[request.match_info["room_id"]])

    async def _change(self, request: web.Request) -> web.Response:
        room_id, change = request.match_info["room_id"], await request.json()
        self.asked.append(("PATCH", request.path, change))
        self.rooms[room_id]["settings"] |= change
        await self.delta(room_id, "room", settings=self.rooms[room_id]["settings"])
        return web.json_response(self.rooms[room_id])

    async def _messages(self, request: web.Request) -> web.Response:
        query, limit = request.query, int(request.query["limit"])
        shown = [item for item in self.items[request.match_info["room_id"]] if item["kind"] == "message"]
        if "q" in query:
            shown = [item for item in shown if query["q"].casefold() in item["text"].casefold()]
        if "after" in query:
            items = [item for item in shown if item["id"] > int(query["after"])][:limit]
        else:
            items = [item for item in shown if item["id"] < int(query.get("before", 10**9))][-limit:]
        more = items and items[0] is not shown[0]
        return web.json_response({"items": items, "before": items[0]["id"] if more else None, "after": None})

    async def _replay(self, request: web.Request) -> web.Response:
        from_ms, to_ms = int(request.query["from_ms"]), int(request.query["to_ms"])
        film = self.film.get(request.match_info["room_id"], [])
        items = [item for item in film if from_ms <= item["media_ms"] < to_ms]
        return web.json_response({"items": items, "next_from_ms": None})

    def _list(self, name: str) -> Any:
        async def listed(request: web.Request) -> web.Response:
            held = getattr(self, name, {})
            return web.json_response({"items": held.get(request.match_info["room_id"], [])})

        return listed

    async def _queue(self, _: web.Request) -> web.Response:
        return web.json_response(self.queue)

    async def _screening(self, _: web.Request) -> web.Response:
        return web.json_response({"version": 3, "newest": 3, "rules": RULES})

    async def _trial(self, request: web.Request) -> web.Response:
        self.asked.append(("POST", request.path, await request.json()))
        return web.json_response(self.trial)

    async def _person(self, request: web.Request) -> web.Response:
        return web.json_response(self.person)

    async def _done(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path, body))
        if request.path.endswith("/following"):
            here = {"kind": "follower", "joined_at_ms": now_ms()}
            self.member = here if request.method == "PUT" else None
        for message_id in (body or {}).get("message_ids", []):
            for kind in ("held", "reports"):
                self.queue[kind] = [e for e in self.queue[kind] if e["message"]["message_id"] != message_id]
        return web.json_response({"id": request.match_info["room_id"], "version": 4})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._sockets[socket] = set()
        await socket.send_json({"type": "ready"})
        if self.blocks:
            await socket.send_json({"type": "blocks", "account_ids": self.blocks})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(socket, message.json())
        finally:
            del self._sockets[socket]
        return socket

    async def _hear(self, socket: web.WebSocketResponse, said: Json) -> None:
        self.heard.append(said)
        room_id = said.get("room", "")
        if said["type"] == "subscribe" and room_id not in self.rooms:
            await socket.send_json(
                {"type": "refused", "room": room_id, "code": "room_unknown", "detail": "There is no room."}
            )
        elif said["type"] == "subscribe":
            self._sockets[socket].add(room_id)
            await socket.send_json(self._subscribed(room_id, said.get("since")))
        elif said["type"] == "send" and self.answer is not None:
            await self._answer(socket, said)

    def _subscribed(self, room_id: str, since: Json | None) -> Json:
        recovered = since is not None and since["epoch"] == self.epoch
        items = self.items[room_id]
        account_id = self._holder.account_id if self._holder.signed_in else None
        return {
            "type": "subscribed", "room": room_id, "epoch": self.epoch,
            "id": items[-1]["id"] if items else -1,
            "recovered": recovered, "gap": since is not None and not recovered,
            "settings": self.rooms[room_id]["settings"],
            "pinned": [pin["message_id"] for pin in self.pins.get(room_id, [])],
            "presence": {"count": self.presence, "accounts": self.here}, "reacted": {}, "reactions": ["👍"],
            "livestream": False,
            "you": {
                "account_id": account_id, "moderator": self.moderator, "may_write": account_id is not None,
                "member": self.member, "sanction": self.sanction,
            },
            "items": [item for item in items if item["id"] > since["id"]] if recovered else items[-50:],
        }  # fmt: skip

    async def _answer(self, socket: web.WebSocketResponse, said: Json) -> None:
        assert self.answer is not None
        room_id = said["room"]
        if "code" in self.answer:
            named = {"room": room_id, "client_id": said["client_id"]}
            await socket.send_json({"type": "refused", **named, **self.answer})
            return
        me = {"id": self._holder.account_id, "name": "Me", "badge": None}
        message = self.message(room_id, me, said["text"], reply_to=said["reply_to"])
        await socket.send_json(
            {
                "type": "sent", "room": room_id, "client_id": said["client_id"],
                "message_id": message["message_id"], "id": message["id"], **self.answer,
            }
        )  # fmt: skip
        if self.answer["state"] == "accepted":
            await self.tell(room_id, message)


def conversation(chat: StubChat, room_id: str) -> None:
    """Something of everything that a room can show, before anybody comes."""
    said = [
        chat.message(room_id, ADA, "Welcome, everybody. We begin in a minute."),
        chat.message(room_id, BEN, "Good evening from Lisbon! 🎬"),
        chat.message(room_id, CYD, "Please keep the ending to yourselves.", reactions={"👍": 12, "❤️": 3}),
        chat.message(room_id, ADA, "@Ben there is a making-of at https://example.org/making-of"),
        chat.message(room_id, {"id": "d" * 32, "name": None, "badge": None}, "Was that filmed at sea?"),
        chat.message(room_id, {"id": "1f" * 16, "name": "Dorothea Featherstone-Winterbottom", "badge": None},
                     "Averyverylongwordthatdoesnotbreakanywhereandmustnotmakethepagewiderthanaphoneoranything"),
        chat.message(room_id, BEN, "No, in a tank.", edits=1),
        chat.message(room_id, CYD, "مرحبا بكم"),
    ]  # fmt: skip
    said.append(
        chat.message(room_id, ADA, "Exactly, Ben.", reply_to=said[6]["message_id"], mentions=[BEN["id"]])
    )
    chat.items[room_id] += said
    chat.pins[room_id] = [said[2]]
