"""The moderators' channel of a room: what comes onto their desk and leaves it, to those who asked to hear it.

What is there already is read over HTTP (GET queue); whoever may have missed something is told to read it
again. Nobody hears anything who does not moderate the room at that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, cast

import orjson
from redis.exceptions import RedisError

from gateways.chat.opening import Opener
from gateways.chat.rights import may_moderate
from gateways.core.frames import text_frame
from gateways.core.principal import Principal
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub, Note
from schemas.chat.views import DeskDelta, RoomDocument, desk_suffix
from streams.core import failures
from streams.core.logging import get_logger
from streams.core.vault import VaultError

_log = get_logger("gateway.chat.desk")
VERSION_S: Final = 15.0
"""How often it is looked up whether a rebuilt projection has taken over, seconds."""
BACKOFF_S: Final = 0.5


class Moderator(Protocol):
    """A connection of who moderates, or did when it came."""

    @property
    def principal(self) -> Principal: ...
    def write(self, frame: bytes) -> None:
        """Send it; must return at once."""


class _Desk:
    """One room's; a listener of its channel."""

    def __init__(self) -> None:
        self.moderators: set[Moderator] = set()
        self.heard: list[DeskDelta] = []
        self.missed = False
        self.wake = asyncio.Event()
        self.last: int | None = None
        self.task: asyncio.Task[None] | None = None

    def hear(self, note: Note | None) -> None:
        """Called by the hub."""
        if note is None:
            self.missed = True
        else:
            self.heard.append(orjson.loads(note.payload))
        self.wake.set()


class Desks:
    """One a process."""

    def __init__(
        self,
        reader: ProjectionReader,
        desk: Projection,
        rooms: Projection,
        hub: Hub,
        opener: Opener,
        owned: Callable[[RoomDocument], Awaitable[RoomDocument]],
        said: Callable[[str, str, int], Awaitable[str]],
    ) -> None:
        """`owned` puts a room's owner of now into its document; `said` (room, rule, version) is a rule in
        words.
        """
        self._reader, self._desk, self._rooms = reader, desk, rooms
        self._hub, self._opener, self._owned, self._said = hub, opener, owned, said
        self._open: dict[str, _Desk] = {}

    @asynccontextmanager
    async def listening(self, room_id: str, moderator: Moderator) -> AsyncIterator[None]:
        """`moderator` hears of the room's desk for as long as the block lasts."""
        desk = self._open.get(room_id)
        if desk is None:
            desk = self._open[room_id] = _Desk()
            desk.task = asyncio.create_task(self._run(room_id, desk), name=f"desk-{room_id}")
        desk.moderators.add(moderator)
        try:
            yield
        finally:
            desk.moderators.discard(moderator)
            if not desk.moderators and self._open.get(room_id) is desk:
                del self._open[room_id]
                assert desk.task is not None
                desk.task.cancel()
                await asyncio.gather(desk.task, return_exceptions=True)

    async def _run(self, room_id: str, desk: _Desk) -> None:
        while True:
            try:
                view = await self._reader.pin(self._desk)
                channel = f"{view.tag_of(room_id)}:{desk_suffix(room_id)}"
                async with self._hub.listen([channel], desk):
                    desk.hear(None)  # who has read the queue did so before we listened
                    while (await self._reader.version(self._desk.name)) == view.version:
                        await self._hear(room_id, desk)
            except (RedisError, OSError, VaultError) as error:
                _log.warning("a desk waits for its stores", room=room_id, error=type(error).__name__)
                await asyncio.sleep(BACKOFF_S)
            except Exception as error:
                failures.tell(_log, "a desk stumbled", error, room=room_id)
                await asyncio.sleep(BACKOFF_S)

    async def _hear(self, room_id: str, desk: _Desk) -> None:
        try:
            async with asyncio.timeout(VERSION_S):
                await desk.wake.wait()
        except TimeoutError:
            return
        desk.wake.clear()
        deltas, desk.heard = desk.heard, []
        missed, desk.missed = desk.missed, False
        document = await (await self._reader.pin(self._rooms)).get(room_id)
        if document is None:
            return
        room = await self._owned(cast("RoomDocument", document))
        for delta in deltas:
            missed = missed or (desk.last is not None and delta["prev"] != desk.last)
            desk.last = delta["id"]
        if missed:
            _tell(desk, room, {"reload": True})
            return
        for delta in deltas:
            _tell(desk, room, {"item": await self._shown(room, delta)})

    async def _shown(self, room: RoomDocument, delta: DeskDelta) -> dict[str, Any]:
        """The delta as moderators get it: of an erased author there is no text."""
        doc: dict[str, Any] = {name: value for name, value in delta.items() if name != "prev"}
        for part in ("held", "report"):
            if part in doc:
                [message] = await self._opener.messages(room, [doc[part]["message"]])
                doc[part] = {**doc[part], "message": message}
        if "held" in doc:
            held = doc["held"]
            held["why"] = await self._said(room["room_id"], held["rule"], held["rules_version"])
        return doc


def _tell(desk: _Desk, room: RoomDocument, document: dict[str, Any]) -> None:
    frame = text_frame(orjson.dumps({"type": "desk", "room": room["room_id"], **document}))
    for moderator in tuple(desk.moderators):
        if may_moderate(moderator.principal, room):
            moderator.write(frame)
