"""What a room's feed stands on, without servers: a stream, a hub, clients that keep what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from gateways.chat.feed import Feed
from gateways.chat.window import Item
from gateways.core.push import Note
from tests.support.played import PlayedLoop

ANN, BEN = "a" * 32, "b" * 32
ROOM = "r-" + "0" * 32


def delta(number: int, kind: str = "message", *, prev: int | None = None, **more: Any) -> dict[str, Any]:
    """A delta; messages are of ANN and named by their number."""
    known: dict[str, Any] = {
        "id": number,
        "prev": number - 1 if prev is None else prev,
        "at_ms": number,
        "kind": kind,
    }
    if kind == "message":
        known |= {"message_id": f"m{number}", "account_id": ANN, "text": f"text {number}"}
    return known | more


async def as_they_are(_: Any, deltas: Sequence[Any]) -> list[tuple[Item, dict[str, Any]]]:
    """An opener of texts that are not sealed."""
    return [(item(each), each) for each in deltas]


def item(each: dict[str, Any]) -> Item:
    """As the opener makes it."""
    shown = {name: value for name, value in each.items() if name not in ("prev", "only")}
    return Item(
        each["id"], each["prev"], each.get("message_id") or "", each.get("account_id", ""), each["kind"],
        each.get("only", ""), orjson.dumps(shown),
    )  # fmt: skip


class Stream:
    """A room's stream in one version of its projection."""

    def __init__(self) -> None:
        self.deltas: list[dict[str, Any]] = []
        self.reads = 0
        self.failing: list[Exception] = []
        self.epoch, self.channel = "1-12", "channel"

    async def room(self) -> Any:
        room = {"room_id": ROOM, "owner_id": None, "settings": {}, "pinned": [], "reactions": {}}
        return room | {"last": self.deltas[-1]["id"] if self.deltas else -1}

    async def read(self, after: int) -> list[Any]:
        self.reads += 1
        if self.failing:
            raise self.failing.pop()
        return [each for each in self.deltas if each["id"] > after]

    async def oldest(self) -> int | None:
        return self.deltas[0]["id"] if self.deltas else None


class FakeHub:
    """Channels in this process."""

    def __init__(self) -> None:
        self.listeners: list[Any] = []

    @asynccontextmanager
    async def listen(self, channels: Sequence[str], listener: Any) -> AsyncIterator[None]:
        self.listeners.append(listener)
        try:
            yield
        finally:
            self.listeners.remove(listener)

    def publish(self, document: dict[str, Any]) -> None:
        for listener in self.listeners:
            listener.hear(Note(orjson.dumps(document)))

    def break_off(self) -> None:
        for listener in self.listeners:
            listener.hear(None)


class Client:
    """Keeps every frame, and when it came."""

    def __init__(self, account_id: str | None = BEN) -> None:
        self.account_id = account_id
        self.frames: list[tuple[float, dict[str, Any]]] = []
        self.rechecked = 0
        self.work_s = 0.0

    def write(self, frame: bytes) -> None:
        loop = asyncio.get_running_loop()
        if self.work_s and isinstance(loop, PlayedLoop):
            loop.now_s += self.work_s
        self.frames.append((loop.time(), orjson.loads(payload(frame))))

    def recheck(self) -> None:
        self.rechecked += 1

    @property
    def items(self) -> list[dict[str, Any]]:
        return [each for _, frame in self.frames if frame["type"] == "batch" for each in frame["items"]]

    @property
    def ids(self) -> list[int]:
        return [each["id"] for each in self.items]


def payload(frame: bytes) -> bytes:
    """Of an unmasked frame."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


class Stage:
    """One room's feed, and who listens."""

    def __init__(self) -> None:
        self.stream, self.hub, self.arrived = Stream(), FakeHub(), [0]
        self.erased: set[str] = set()
        self.poison: set[int] = set()
        self.feed = Feed(
            ROOM, self.stream, self.open, self.hub, lambda _: self.arrived.append(0)  # type: ignore[arg-type]
        )  # fmt: skip

    async def open(self, room: Any, deltas: Sequence[Any]) -> list[tuple[Item, dict[str, Any]]]:
        """Of who is erased there is nothing to show."""
        if any(each["id"] in self.poison for each in deltas):
            raise KeyError("text")
        found = await as_they_are(room, deltas)
        return [
            (each._replace(wire=None) if each.account_id in self.erased else each, doc) for each, doc in found
        ]

    def join(self, client: Client) -> Client:
        self.feed.listeners.add(client)
        return client

    def say(self, *deltas: dict[str, Any], heard: bool = True) -> None:
        """They are in the stream, and published unless the notification is lost."""
        for each in deltas:
            self.stream.deltas.append(each)
            if heard:
                self.hub.publish(each)
