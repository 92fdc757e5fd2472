"""A client that only reads, over server-sent events: it comes back by the last event's id, as browsers do."""

from __future__ import annotations

import asyncio

import aiohttp
import orjson

from tests.chaos.talkers import Talker


class Reader(Talker):
    """Writes nothing; what it is given is judged as a talker's."""

    _event_id = ""

    async def _connection(self, over: asyncio.Event) -> None:
        reading, ending = asyncio.create_task(self._stream()), asyncio.create_task(over.wait())
        try:
            await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
        finally:
            for task in (reading, ending):
                task.cancel()
            await asyncio.gather(reading, ending, return_exceptions=True)

    async def _stream(self) -> None:
        headers = {"Last-Event-ID": self._event_id} if self._event_id else {}
        url, forever = f"{self._url}/v1/rooms/{self._room}/events", aiohttp.ClientTimeout(total=None)
        async with self._http.get(url, headers=headers, timeout=forever) as answer:
            if answer.status != 200:
                self.counts[f"answered {answer.status}"] += 1
                return
            event: dict[str, str] = {}
            async for raw in answer.content:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                    continue
                if "data" in event:
                    self._event_id = event.get("id", self._event_id)
                    if not self._take({"type": event["event"], **orjson.loads(event["data"])}):
                        return
                event = {}

    async def _write(self, per_s: float, enough: asyncio.Event) -> None:
        """Nothing."""
