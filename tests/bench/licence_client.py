"""Players who ask for licences, in a process of their own: it reads one JSON line (`url`, `asset_id`, `kids`,
`count`, and `per_s` or `at_once`), and answers with one.

Each player is a guest on a device of its own: a token, then a licence with all keys of the film.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from typing import Any

import aiohttp

from tests.support.clearkey import challenge_of

PATIENCE_S = 60.0


async def play(http: aiohttp.ClientSession, asset_id: str, challenge: bytes) -> float:
    """Seconds from asking for the token to the keys. Raises RuntimeError without them."""
    began_s = time.perf_counter()
    wish = {"asset_id": asset_id, "device_id": secrets.token_hex(8)}
    token = json.loads(await _post(http, "/v1/tokens", 201, json=wish))["token"]
    headers = {"Playback-Token": token, "Content-Type": "application/json"}
    await _post(http, "/v1/licences/clearkey", 200, data=challenge, headers=headers)
    return time.perf_counter() - began_s


async def _post(http: aiohttp.ClientSession, path: str, status: int, **what: Any) -> bytes:
    """The answer. A gateway that is at its limit is asked again, as players do: that takes time, too."""
    while True:
        async with http.post(path, **what) as answer:
            body = await answer.read()
            if answer.status == status:
                return body
            if answer.status != 503:
                raise RuntimeError(f"POST {path}: {answer.status} {body!r}")
            later_s = float(answer.headers.get("Retry-After", 1))
        await asyncio.sleep(later_s)


async def run(url: str, asset_id: str, kids: list[str], count: int, **how: Any) -> dict[str, Any]:
    """How long each took, milliseconds, and all together, seconds."""
    challenge = challenge_of(kids)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, timeout=timeout, connector=connector) as http:
        await asyncio.gather(*(play(http, asset_id, challenge) for _ in range(8)))  # connections, caches
        began_s = time.perf_counter()
        if "per_s" in how:
            took = await _at_a_rate(http, asset_id, challenge, count, float(how["per_s"]))
        else:
            took = await _at_once(http, asset_id, challenge, count, int(how["at_once"]))
        wall_s = time.perf_counter() - began_s
    return {"took_ms": [round(each * 1000, 3) for each in took], "wall_s": wall_s}


async def _at_a_rate(
    http: aiohttp.ClientSession, asset_id: str, challenge: bytes, count: int, per_s: float
) -> list[float]:
    """One each 1/per_s, whether the one before has its answer or not."""
    begin_s, players = time.perf_counter(), []
    for number in range(count):
        await asyncio.sleep(max(0.0, begin_s + number / per_s - time.perf_counter()))
        players.append(asyncio.create_task(play(http, asset_id, challenge)))
    return await asyncio.gather(*players)


async def _at_once(
    http: aiohttp.ClientSession, asset_id: str, challenge: bytes, count: int, at_once: int
) -> list[float]:
    """So many at a time, the next when one has its answer."""
    left = iter(range(count))

    async def one_after_the_other() -> list[float]:
        return [await play(http, asset_id, challenge) for _ in left]

    parts = await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return [each for part in parts for each in part]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(**json.loads(sys.stdin.readline())))))
