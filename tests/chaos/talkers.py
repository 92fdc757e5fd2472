"""Scripted clients of a chat room that never give up: they reconnect, go on where they were, send again."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import aiohttp

ANSWER_S: Final = 20.0
BACK_S: Final = (0.1, 1.0)
AWAY: Final = (aiohttp.ClientError, OSError, TimeoutError)
LATER: Final = frozenset(("unavailable", "overloaded", "busy", "deadline", "not_subscribed"))
"""Refusals that say: not now."""


class Talker:
    """One client. `seen`: every delta of a message it was given, by id, in the order in which it came."""

    def __init__(
        self, name: str, http: aiohttp.ClientSession, url: str, room: str, key: str, seed: int
    ) -> None:
        self.name = name
        self.seen: dict[int, str] = {}
        self.acknowledged: set[str] = set()  # message ids
        self.gaps = 0
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.last = -1
        self.began_at = -1  # what the room was at when it first came
        self._http, self._url, self._room, self._key = http, url, room, key
        self._random = random.Random(seed)  # a script's dice
        self.epoch = ""
        self._number = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._socket: Any = None
        self.owes = False  # a message of its own is not acknowledged yet

    async def talk(self, per_s: float, enough: asyncio.Event, over: asyncio.Event) -> None:
        """Write until `enough` and the last one is acknowledged, listen until `over`."""
        writing = asyncio.create_task(self._write(per_s, enough))
        try:
            while not over.is_set():
                with suppress(*AWAY):
                    await self._connection(over)
                self.counts["connections"] += 1
                await asyncio.sleep(self._random.uniform(*BACK_S))
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        if not writing.cancelled() and writing.done() and (error := writing.exception()):
            raise error

    async def _connection(self, over: asyncio.Event) -> None:
        headers = {"Authorization": f"Bearer {self._key}"}
        async with self._http.ws_connect(f"{self._url}/v1/socket", headers=headers, heartbeat=10) as socket:
            since = {"since": {"epoch": self.epoch, "id": self.last}} if self.epoch else {}
            await socket.send_json({"type": "subscribe", "room": self._room, **since})
            self._socket = socket
            ending = asyncio.create_task(over.wait())
            try:
                while not over.is_set():
                    receiving = asyncio.create_task(socket.receive())
                    await asyncio.wait((receiving, ending), return_when=asyncio.FIRST_COMPLETED)
                    if not receiving.done():
                        receiving.cancel()
                        return
                    message = receiving.result()
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        self.counts[f"closed {socket.close_code}"] += 1
                        return
                    if not self._take(message.json()):
                        return
            finally:
                self._socket = None
                ending.cancel()

    def _take(self, said: dict[str, Any]) -> bool:
        """False where a new connection is to be made."""
        kind: str = said["type"]
        if kind == "subscribed":
            if said["gap"]:
                self.gaps += 1
            if not self.epoch:
                self.began_at = said["id"]
            self.epoch = said["epoch"]
            self._get(said["items"])
            self.last = max(self.last, said["id"])
        elif kind == "batch":
            self._get(said["items"])
        elif kind == "gap":
            self.gaps += 1
        elif kind == "moved":
            self.counts["moved"] += 1
        elif kind in ("sent", "refused") and said.get("client_id") in self._waiting:
            self._waiting.pop(said["client_id"]).set_result(said)
        elif kind == "refused" and "client_id" not in said:
            self.counts[f"refused {said['code']}"] += 1
            return False
        return kind != "moved"

    def _get(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            if item["kind"] != "message":
                self.last = max(self.last, item["id"])
                continue
            if item["id"] <= self.last:
                self.counts["repeats"] += 1
                if self.seen.get(item["id"], item["message_id"]) != item["message_id"]:
                    self.faults.append(f"{self.name}: {item['id']} was another message before")
                continue
            self.last = item["id"]
            self.seen[item["id"]] = item["message_id"]

    async def _write(self, per_s: float, enough: asyncio.Event) -> None:
        while not enough.is_set():
            await asyncio.sleep(self._random.expovariate(per_s))
            self._number += 1
            self.owes = True
            await self._until_acknowledged(f"{self.name}-{self._number}")
            self.owes = False

    async def _until_acknowledged(self, client_id: str) -> None:
        while True:
            answer = await self._asked(client_id)
            if answer is not None and answer["type"] == "sent":
                if answer["state"] != "accepted":
                    self.faults.append(f"{client_id} is {answer['state']}")
                self.acknowledged.add(answer["message_id"])
                return
            code = answer["code"] if answer is not None else "no answer"
            self.counts[f"again: {code}"] += 1
            if answer is not None and code not in LATER:
                self.faults.append(f"{client_id} was refused: {code}")
                return
            await asyncio.sleep(self._random.uniform(*BACK_S))

    async def _asked(self, client_id: str) -> dict[str, Any] | None:
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[client_id] = answer
        try:
            if self._socket is None:
                return None
            wish = {"type": "send", "room": self._room, "client_id": client_id, "text": f"I say {client_id}."}
            await self._socket.send_json(wish)
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except AWAY:
            return None
        finally:
            self._waiting.pop(client_id, None)
