"""Players of protected films, each a device: they ask for licences, play on, stop, or fall silent."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from gateways.drm.requesting import HEADER
from tests.support.cinema import ProtectedFilm
from tests.support.clearkey import challenge_of

BACKOFF_S: Final = 0.25
UNSURE: Final = (429, 500, 502, 503, 504)
"""Nobody can tell whether it was done: the same is asked again."""
REPLAYED: Final = 0.1
"""Of the tokens that were good for a licence are tried for another one."""
REFUSALS: Final = ("too_many_streams", "too_many_devices", "token_used", "stopped")
"""Of an account at its limit; of a player whose token was used, or whose lease was over before the grant was
shown."""


@dataclass
class Screen:
    """One device of an account, with a player that keeps what it was told."""

    http: aiohttp.ClientSession
    url: str
    film: ProtectedFilm
    device_id: str
    bearer: dict[str, str]
    dice: random.Random
    licences: list[str] = field(default_factory=list)  # hashes of the challenges that were given keys
    stopped: Counter[str] = field(default_factory=Counter)  # acknowledged stops by id of the stream
    told: Counter[str] = field(default_factory=Counter)

    async def watch(self, turns: Iterator[int]) -> None:
        """Ask for a licence, and play, once for each number of `turns` that this player gets."""
        for number in turns:
            token = await self._ask("POST", "/v1/tokens", self._wish())
            # Spaces change nothing but its hash, by which the grant is found on the log.
            challenge = challenge_of(self.film.kids) + b" " * number
            headers = {HEADER: token["token"], "Content-Type": "application/json"}
            given = await self._ask("POST", "/v1/licences/clearkey", challenge, headers)
            if "keys" not in given:
                self.told[given["code"]] += 1
                await asyncio.sleep(self.dice.uniform(0.0, BACKOFF_S))
                continue
            self.told["licences"] += 1
            self.licences.append(hashlib.sha256(challenge).hexdigest())
            if self.dice.random() < REPLAYED:
                await self._replay(b"\n" + challenge, headers)
            await self._play(token["stream_id"])

    async def _replay(self, challenge: bytes, headers: dict[str, str]) -> None:
        """Ask for a second licence with the same token. What it should not get is held against the log."""
        given = await self._ask("POST", "/v1/licences/clearkey", challenge, headers)
        if "keys" in given:
            self.licences.append(hashlib.sha256(challenge).hexdigest())
        else:
            self.told[given["code"]] += 1

    async def _play(self, stream_id: str) -> None:
        place = {"device_id": self.device_id, "stream_id": stream_id}
        for _ in range(self.dice.randrange(3)):
            await asyncio.sleep(self.dice.uniform(0.0, BACKOFF_S))
            if "code" in await self._ask("POST", "/v1/beats", place):
                self.told["ended"] += 1
                return
        if self.dice.random() < 0.2:
            self.told["silent"] += 1
            return
        said = await self._ask("DELETE", f"/v1/streams/{stream_id}?device_id={self.device_id}", None)
        if "code" not in said:
            self.stopped[stream_id] += 1

    def _wish(self) -> dict[str, str]:
        return {"asset_id": self.film.asset_id, "device_id": self.device_id}

    async def _ask(self, method: str, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        """The answer's document, a Problem's if it is a refusal by rule. Asks until it is sure."""
        raw = {"data": body} if isinstance(body, bytes) else {"json": body}
        while True:
            try:
                async with self.http.request(
                    method, self.url + path, headers=headers or self.bearer, **raw
                ) as answer:
                    document = await answer.json(content_type=None)
                    if answer.status < 300 or document.get("code") in (*REFUSALS, "stream_ended"):
                        return document
                    if answer.status not in UNSURE:
                        raise RuntimeError(f"{method} {path}: {answer.status} {document}")
            except (aiohttp.ClientError, TimeoutError):
                pass  # it may have been done, or not
            await asyncio.sleep(BACKOFF_S)
