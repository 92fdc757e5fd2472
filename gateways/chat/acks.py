"""What became of what clients asked: told by the room's own deltas, else by the projection's outcomes.

Nearly all messages are accepted, and the delta that shows them to everybody answers their sender for nothing.
Only for what has not shown up after a moment the outcomes are read, for all at once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import RedisError

from gateways.chat.window import Item
from gateways.core.projections import Projection, ProjectionReader
from schemas.event import deterministic_id
from streams.core import failures
from streams.core.logging import get_logger

_log = get_logger("gateway.chat.acks")
LOOK_S: Final = 0.15
"""A message of a busy room shows up in about half of that, seconds; what is refused waits for it."""
GIVEN_UP_S: Final = 8.0
BACKOFF_S: Final = 0.25
MOST_REFUSED: Final = 10_000


@dataclass(slots=True)
class _Asked:
    room_id: str
    message_id: str
    asked_at_s: float
    answer: asyncio.Future[dict[str, Any] | None]


class Acks:
    """One a process; `run` must be running."""

    def __init__(self, reader: ProjectionReader, rooms: Projection) -> None:
        self._reader, self._rooms = reader, rooms
        self._asked: dict[str, _Asked] = {}  # by request id, the oldest first
        self._of_message: dict[str, str] = {}  # message id -> request id
        self._refused: OrderedDict[str, int] = OrderedDict()  # first id -> attempts; the oldest first
        self._wake = asyncio.Event()

    def expect(self, room_id: str, request_id: str, message_id: str = "") -> asyncio.Future[Any]:
        """The outcome of a request that is about to be published: {"type", "data"?}, or {"type": "", "id"} of
        the delta that shows the message; None if nothing is known after GIVEN_UP_S. Whoever asks for the same
        request twice gets the same answer.
        """
        held = self._asked.get(request_id)
        if held is None:
            loop = asyncio.get_running_loop()
            held = _Asked(room_id, message_id, loop.time(), loop.create_future())
            self._asked[request_id] = held
            if message_id:
                self._of_message[message_id] = request_id
            self._wake.set()
        return asyncio.shield(held.answer)

    def attempt(self, first: str) -> str:
        """Id of a request's next attempt; `first` is that of its first, and stays it unless it was refused.

        A decider decides on an id once: who was told to wait and send it again sends another request then.
        """
        refused = self._refused.get(first, 0)
        return deterministic_id(first, str(refused)) if refused else first

    def refused(self, first: str, request_id: str) -> None:
        """This attempt came to nothing. Only this process knows; to others the next one is a repeat of it."""
        if self.attempt(first) == request_id:
            self._refused[first] = self._refused.pop(first, 0) + 1
            if len(self._refused) > MOST_REFUSED:
                self._refused.popitem(last=False)

    def arrived(self, item: Item) -> None:
        """A delta of a room that somebody here listens to."""
        if item.kind == "message" and item.message_id in self._of_message:
            self._answer(self._of_message[item.message_id], {"type": "", "id": item.id})

    def _answer(self, request_id: str, outcome: dict[str, Any] | None) -> None:
        held = self._asked.pop(request_id, None)
        if held is not None:
            self._of_message.pop(held.message_id, None)
            if not held.answer.done():
                held.answer.set_result(outcome)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(LOOK_S)
            if not self._asked:
                self._wake.clear()
                continue
            try:
                await self._look()
            except (RedisError, OSError) as error:
                _log.warning("outcomes cannot be read", error=type(error).__name__)
            except Exception as error:
                failures.tell(_log, "outcomes cannot be told", error)
                self._give_up()
                await asyncio.sleep(BACKOFF_S)

    def _give_up(self) -> None:
        """On those who have waited for long: what one of them asked may be what nobody can read."""
        now_s = asyncio.get_running_loop().time()
        for request_id, asked in tuple(self._asked.items()):
            if asked.asked_at_s <= now_s - GIVEN_UP_S:
                self._answer(request_id, None)

    async def _look(self) -> None:
        now_s = asyncio.get_running_loop().time()
        waiting = [(i, asked) for i, asked in self._asked.items() if asked.asked_at_s <= now_s - LOOK_S]
        if not waiting:
            return
        view = await self._reader.pin(self._rooms)
        found = await view.outcomes([(asked.room_id, request_id) for request_id, asked in waiting])
        for (request_id, asked), outcome in zip(waiting, found, strict=True):
            if outcome is not None or asked.asked_at_s <= now_s - GIVEN_UP_S:
                self._answer(request_id, outcome)
