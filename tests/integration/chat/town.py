"""People in rooms, as clients of the chat service: over HTTP, over its WebSocket, over server-sent events."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from deploy.local.launcher import Stack
from gateways.core.platform import Platform
from gateways.identity.signer import Signer
from schemas.catalog import load_topology
from schemas.identity.views import SIGNING
from tests.integration.identity.conftest import PATIENCE_S, Person
from tests.integration.identity.conftest import Api as Identity

PROTOCOL = "kinolog.v1"


class Line:
    """One connection to the socket. Everything that is said to it is kept, in order."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []

    async def say(self, kind: str, **more: Any) -> None:
        await self.socket.send_json({"type": kind, **more})

    async def hear(
        self, kind: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """The next message of this type that is as wanted; those before it are kept."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.socket.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, f"{self.socket.close_code} {self.heard[-3:]}"
                document: dict[str, Any] = message.json()
                self.heard.append(document)
                if document["type"] == kind and wanted(document):
                    return document

    async def told(
        self, kind: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """The first message of this type that is as wanted, heard already or to come."""
        heard = (each for each in self.heard if each["type"] == kind and wanted(each))
        return next(heard, None) or await self.hear(kind, wanted)

    async def ask(self, kind: str, answer: str, **more: Any) -> dict[str, Any]:
        await self.say(kind, **more)
        return await self.hear(answer)

    async def enter(self, room: str, **more: Any) -> dict[str, Any]:
        return await self.ask("subscribe", "subscribed", room=room, **more)

    async def send(self, room: str, text: str, **more: Any) -> dict[str, Any]:
        """The answer, sent or refused."""
        client_id = more.pop("client_id", uuid.uuid4().hex)
        await self.say("send", room=room, text=text, client_id=client_id, **more)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await self.any_of("sent", "refused")
                if found.get("client_id") == client_id:
                    return found

    async def any_of(self, *kinds: str) -> dict[str, Any]:
        while True:
            message = await self.socket.receive(timeout=PATIENCE_S)
            assert message.type is aiohttp.WSMsgType.TEXT, f"{self.socket.close_code} {self.heard[-3:]}"
            document: dict[str, Any] = message.json()
            self.heard.append(document)
            if document["type"] in kinds:
                return document

    def items(self, room: str, kind: str = "message") -> list[dict[str, Any]]:
        """What the room has shown of this kind, in order."""
        told = [
            each for each in self.heard if each["type"] in ("subscribed", "batch") and each["room"] == room
        ]
        return [item for each in told for item in each["items"] if item["kind"] == kind]

    async def item(self, room: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first item of the room that is as wanted, heard already or to come."""
        async with asyncio.timeout(PATIENCE_S):
            seen = 0
            while True:
                while seen < len(self.heard):
                    each = self.heard[seen]
                    seen += 1
                    if each["type"] in ("subscribed", "batch") and each["room"] == room:
                        for item in each["items"]:
                            if wanted(item):
                                return item
                await self.any_of("subscribed", "batch")

    def texts(self, room: str) -> list[str]:
        return [item["text"] for item in self.items(room)]

    async def closed(self) -> int | None:
        """The code that ends it."""
        while (message := await self.socket.receive(timeout=PATIENCE_S)).type is aiohttp.WSMsgType.TEXT:
            self.heard.append(message.json())
        return self.socket.close_code


@dataclass
class Town:
    """The chat service of a platform, and its people."""

    http: aiohttp.ClientSession
    identity: Identity
    stack: Stack
    lines: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def ask(
        self, method: str, path: str, status: int, body: Any = None, by: Person | None = None
    ) -> Any:
        """The answer's document; `by` None: nobody's. What a busy machine has no answer to is asked again."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} | ({} if by is None else by.bearer)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with self.http.request(method, path, json=body, headers=headers) as answer:
                    text = await answer.text()
                    if answer.status not in (503, 504):
                        assert answer.status == status, f"{method} {path}: {answer.status} {text}"
                        return await answer.json(content_type=None) if text else None

    async def until(self, path: str, wanted: Callable[[Any], bool], by: Person | None = None) -> Any:
        """The document at `path` once it is as wanted."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await self.ask("GET", path, 200, by=by)
                if wanted(found):
                    return found
                await asyncio.sleep(0.05)

    async def until_there(self, path: str, by: Person) -> Any:
        """The document at `path` once this person may read it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with self.http.get(path, headers=by.bearer) as answer:
                    if answer.status == 200:
                        return await answer.json()
                await asyncio.sleep(0.05)

    async def person(self, *roles: str, name: str | None = None) -> Person:
        return await self.identity.person(*roles, name=name)

    async def short_lived(self, person: Person, ttl_s: int) -> str:
        """A session token of the person's login session, as the identity service signs it."""
        async with AsyncExitStack() as exits:
            platform = Platform(self.stack.settings, load_topology(), exits)
            signer = Signer(
                platform.vault(), await platform.projections(), platform.projection(SIGNING),
                platform.producer("test"), self.stack.settings.token_issuer,
            )  # fmt: skip
            return await signer.token(person.account_id, person.tokens["sid"], person.tokens["roles"], ttl_s)

    async def room(self, owner: Person, **settings: Any) -> str:
        """A room of the owner's, without limits on how fast people write."""
        wish = {"title": "A room", **settings}
        room: str = (await self.ask("POST", "/v1/rooms", 201, wish, owner))["id"]
        calm = {"rules": {}, "based_on": 0}
        await self.ask("PUT", f"/v1/rooms/{room}/screening", 200, calm, owner)
        await self.until(f"/v1/rooms/{room}/screening", lambda found: found["version"] == 1, owner)
        return room

    async def line(self, by: Person | None = None, token: str | None = None) -> Line:
        """A connection, let in; by `token` if it is another than the person's newest."""
        found = token or (None if by is None else by.tokens["access_token"])
        protocols = [PROTOCOL] if found is None else [PROTOCOL, f"kinolog.bearer.{found}"]
        socket = await self.lines.enter_async_context(self.http.ws_connect("/v1/socket", protocols=protocols))
        line = Line(socket)
        await line.hear("ready")
        return line

    async def messages(self, room: str, by: Person | None = None, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            await self.ask("GET", f"/v1/rooms/{room}/messages{query}", 200, by=by)
        )["items"]
        return found


@asynccontextmanager
async def town_of(stack: Stack) -> AsyncIterator[Town]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with (
        aiohttp.ClientSession(stack.url("identity"), timeout=timeout) as people,
        aiohttp.ClientSession(stack.url("chat"), timeout=timeout) as http,
        AsyncExitStack() as lines,
    ):
        yield Town(http, Identity(people, stack), stack, lines)
