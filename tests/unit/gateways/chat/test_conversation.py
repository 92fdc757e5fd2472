"""Coming into a room while something happens to it: nobody stays in half, and nobody waits in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.chat import conversation
from gateways.chat.context import CHAT
from gateways.core.principal import ANONYMOUS
from tests.support.played import played
from tests.unit.gateways.chat.stage import ROOM, Stage, delta, payload

DOCUMENT: dict[str, Any] = {
    "room_id": ROOM, "settings": {"access": "public"}, "pinned": [], "reactions": {}, "asset_id": None,
    "owner_id": None, "moderators": [], "last": 0,
}  # fmt: skip
LEFT = {"type": "left", "room": ROOM, "code": "may_not_read"}


class Visit:
    """One connection that comes into one room of much that was said. It is its own socket."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.stage, self.principal = Stage(), ANONYMOUS
        self.stage.say(*(delta(number, text="x" * 2000) for number in range(100)))
        self.said: list[dict[str, Any]] = []
        self.may_read_now = True
        self.while_it_is_looked_up: Callable[[], None] = lambda: None
        self.while_it_is_written: Callable[[], None] = lambda: None
        self.present: set[Any] = set()
        feeds = SimpleNamespace(enter=self.enter, leave=lambda feed, seat: feed.listeners.discard(seat))
        live = SimpleNamespace(now=self.nothing, enter=self.be_there, leave=lambda _, seat: self.gone(seat))
        chat = SimpleNamespace(feeds=feeds, live=live, texts=SimpleNamespace(shown=self.settings))
        self.app = {CHAT: chat}
        self.stage.stream.room = self.document  # type: ignore[method-assign]
        for name, fake in (("find_room", self.document), ("may_read", self.may_read)):
            patch.setattr(conversation, name, fake)
        patch.setattr(conversation, "standing_of", self.standing)

    async def comes_in(self) -> None:
        async with conversation._Conversation(self) as talk:  # type: ignore[arg-type]
            since = {"epoch": self.stage.feed.source.epoch, "id": -1}
            await talk.take({"type": "subscribe", "room": ROOM, "since": since})
            await asyncio.sleep(1)
            self.listened, self.stayed = set(self.stage.feed.listeners), set(self.present)
        assert not self.stage.feed.listeners
        assert not self.present
        await self.stage.feed.close()

    def loses_the_right(self) -> None:
        self.may_read_now = False
        for listener in tuple(self.stage.feed.listeners):
            listener.recheck()

    # -- rooms

    async def enter(self, _: str, seat: Any) -> Any:
        await self.stage.feed.open()
        self.stage.feed.listeners.add(seat)
        return self.stage.feed

    async def document(self, *_: Any) -> Any:
        return DOCUMENT

    async def may_read(self, *_: Any) -> bool:
        return self.may_read_now

    async def standing(self, *_: Any) -> dict[str, Any]:
        self.while_it_is_looked_up()
        await asyncio.sleep(0.1)
        return {}

    async def settings(self, _: Any) -> list[dict[str, Any]]:
        return [{}]

    async def nothing(self, _: str) -> dict[str, Any]:
        return {}

    def be_there(self, _: str, seat: Any) -> Any:
        self.present.add(seat)
        return self

    def gone(self, seat: Any) -> None:
        self.present.discard(seat)

    # -- the socket

    def say(self, document: dict[str, Any]) -> None:
        self.said.append(document)

    def write(self, frame: bytes) -> None:
        self.said.append(orjson.loads(payload(frame)))

    async def write_all(self, frames: Iterable[bytes]) -> None:
        self.while_it_is_written()
        for frame in frames:
            await asyncio.sleep(0.1)
            self.write(frame)


def test_who_comes_in_undisturbed_is_there_and_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        visit = Visit(monkeypatch)
        visit.while_it_is_written = lambda: visit.stage.say(delta(100))
        await visit.comes_in()
        assert len(visit.listened) == len(visit.stayed) == 1
        assert visit.said[0]["type"] == "subscribed"
        assert [item["id"] for part in visit.said for item in part["items"]] == list(range(101))

    played(scene)


def test_who_cannot_be_let_in_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        visit = Visit(monkeypatch)

        def away() -> None:
            raise RedisConnectionError

        visit.while_it_is_looked_up = away
        await visit.comes_in()
        assert [said["code"] for said in visit.said] == ["unavailable"]
        assert not visit.listened

    played(scene)


def test_who_comes_in_while_the_room_moves_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        visit = Visit(monkeypatch)

        def moves() -> None:
            visit.stage.feed.over = True
            visit.stage.feed.tell({"type": "moved", "room": ROOM})

        visit.while_it_is_looked_up = moves
        await visit.comes_in()
        assert [said["code"] for said in visit.said] == ["unavailable"]
        assert not visit.listened

    played(scene)


@pytest.mark.parametrize("when", ["while_it_is_looked_up", "while_it_is_written"])
def test_who_is_put_out_while_coming_in_is_out(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        visit = Visit(monkeypatch)
        setattr(visit, when, visit.loses_the_right)
        await visit.comes_in()
        assert LEFT in visit.said
        assert not visit.listened
        assert not visit.stayed
        if when == "while_it_is_looked_up":
            assert visit.said == [LEFT]

    played(scene)


def test_a_request_that_fails_by_a_bug_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    written = "some " * 3

    async def bug(*_: Any) -> None:
        raise KeyError(written)

    async def scene() -> None:
        visit = Visit(monkeypatch)
        async with conversation._Conversation(visit) as talk:  # type: ignore[arg-type]
            for kind in ("send", "typing"):
                await talk.take({"type": kind, "room": ROOM, "client_id": kind})
            await asyncio.sleep(1)
        said = [(each["type"], each["code"], each["client_id"]) for each in visit.said]
        assert sorted(said) == [("refused", "internal", "send"), ("refused", "internal", "typing")]

    for kind in ("send", "typing"):
        monkeypatch.setitem(conversation._HANDLERS, kind, bug)
    with structlog.testing.capture_logs() as lines:
        played(scene)
    assert [line["event"] for line in lines] == ["a request failed"] * 2
    assert all(line["traceback"] for line in lines)
    assert written not in str(lines)
