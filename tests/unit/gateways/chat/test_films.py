"""A room hears of its film: at once, after a store was away, and from a library that was rebuilt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.chat.films import VERSION_S, Films
from gateways.chat.rights import may_moderate, privileged
from gateways.core.permissions import CHAT_WRITE
from gateways.core.principal import Principal
from gateways.core.push import Note, Subscription
from tests.support.played import played
from tests.unit.gateways.chat.stage import ANN, BEN, ROOM

FILM = "0123"


class Library:
    """The library's reader and hub in one."""

    def __init__(self) -> None:
        self.document: dict[str, Any] | None = {"id": FILM, "state": "ready", "visibility": "public"}
        self.version_now, self.away = 1, 0
        self.heard: dict[str, Subscription] = {}

    async def pin(self, _: Any) -> Any:
        if self.away:
            self.away -= 1
            raise RedisConnectionError
        version = self.version_now
        return SimpleNamespace(
            version=version, tag_of=lambda key: f"{key}:{version}", get=self.get, get_many=self.get_many
        )

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return [self.document if key == FILM else None for key in keys]

    async def get(self, _: str) -> Any:
        return self.document

    async def version(self, _: str) -> int:
        return self.version_now

    @asynccontextmanager
    async def watch(self, channels: Sequence[str], keys: Sequence[str]) -> AsyncIterator[Subscription]:
        self.heard[channels[0]] = Subscription(frozenset(keys))
        yield self.heard[channels[0]]
        del self.heard[channels[0]]

    def say(self, *keys: str) -> None:
        self.heard[f"{FILM}:{self.version_now}"].hear(Note(orjson.dumps(keys)))


def person(account_id: str) -> Principal:
    return Principal(account_id, frozenset({CHAT_WRITE}), "token", account_id=account_id)


def films(library: Library) -> Films:
    hub: Any = library
    return Films(hub, SimpleNamespace(name="media.library"), hub)  # type: ignore[arg-type]


def test_a_room_hears_of_its_own_film_alone_and_of_a_rebuilt_library() -> None:
    async def scene() -> None:
        library, calls = Library(), []
        library.away = 2

        async def changed() -> None:
            calls.append(library.version_now)

        following = asyncio.create_task(films(library).follow(f"a-{FILM}", changed))
        await asyncio.sleep(2)
        assert calls == [1]  # it may have changed while nobody could be asked
        library.say("another")
        await asyncio.sleep(0.1)
        library.say("another", FILM)
        await asyncio.sleep(0.1)
        assert calls == [1, 1]
        library.version_now = 2
        await asyncio.sleep(VERSION_S + 1)
        library.say(FILM)
        await asyncio.sleep(0.1)
        assert calls == [1, 1, 2, 2]
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await films(library).follow(ROOM, changed)  # of no film: there is nothing to hear

    played(scene)


@pytest.mark.parametrize(
    ("document", "open_to_all"),
    [
        ({"state": "ready", "visibility": "public"}, True),
        ({"state": "ready", "visibility": "unlisted"}, True),
        ({"state": "ready", "visibility": "private"}, False),
        ({"state": "deleted", "visibility": "public"}, False),
        (None, False),
    ],
)
def test_whose_a_room_is_follows_from_its_film(document: Any, open_to_all: bool) -> None:
    async def scene() -> None:
        library = Library()
        library.document = document
        room: Any = {"asset_id": FILM, "settings": {"access": "public"}}
        assert await films(library).everybodys(room) is open_to_all
        assert await films(library).everybodys({**room, "asset_id": None})

    played(scene)


def test_the_room_of_a_film_that_passed_to_an_heir_is_the_heirs() -> None:
    async def scene() -> None:
        library = Library()
        room: Any = {"room_id": f"a-{FILM}", "asset_id": FILM, "owner_id": ANN, "moderators": []}
        library.document = {"id": FILM, "state": "ready", "owner_id": BEN}
        passed = await films(library).owned(room)
        for account_id, room_then, may in ((ANN, room, True), (BEN, passed, True), (ANN, passed, False)):
            assert may_moderate(person(account_id), room_then) is may
            assert privileged(person(account_id), room_then) is may
        assert not privileged(person(BEN), {**room, "moderators": [BEN]})
        library.document = None
        assert (await films(library).owned(room))["owner_id"] == ANN
        assert await films(library).owned({**room, "asset_id": None}) == {**room, "asset_id": None}

    played(scene)
