"""Who listens to a room, over all gateways: each writes how many it has, and who, while they are few.

In Redis, beside nothing that is on the log: the hash `{live:<room_id>}:presence`, one field a gateway. What a
gateway that was killed wrote counts for GONE_S and is cleared away by the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from gateways.core.projections import in_time

GONE_S: Final = 15.0
KEPT_S: Final = 60
"""For how long Redis keeps what nobody writes any more, seconds."""
MOST_LISTED: Final = 50
"""People of a room that are listed by name; of more there is a count alone."""


def live_tag(room_id: str) -> str:
    """The room's signals: hash tag of their keys, and name of their sharded channel."""
    return f"{{live:{room_id}}}"


@dataclass(frozen=True, slots=True)
class Present:
    """Connections that listen, and the accounts among them; None where they are many."""

    count: int
    accounts: tuple[str, ...] | None


NOBODY: Final = Present(0, ())


@dataclass(frozen=True, slots=True)
class Presence:
    """This gateway's part of it. `gateway` is its own name. Raises RedisError, OSError."""

    redis: Any
    gateway: str

    async def exchange(self, rooms: Mapping[str, Present], now_ms: int) -> dict[str, Present]:
        """Write what this gateway has of each room, and read what there is in all. One round trip a node."""
        pipeline = self.redis.pipeline(transaction=False)
        for room_id, own in rooms.items():
            key = f"{live_tag(room_id)}:presence"
            if own.count:
                said = {"count": own.count, "accounts": own.accounts, "at_ms": now_ms}
                pipeline.hset(key, self.gateway, orjson.dumps(said))
            else:
                pipeline.hdel(key, self.gateway)
            pipeline.expire(key, KEPT_S)
            pipeline.hgetall(key)
        answers = await in_time(pipeline.execute())
        return {
            room_id: _total(map(orjson.loads, answers[3 * number + 2].values()), now_ms)
            for number, room_id in enumerate(rooms)
        }

    async def tell(self, room_id: str, signal: Mapping[str, Any]) -> None:
        """To all gateways that listen to the room's signals."""
        channel = live_tag(room_id)
        await in_time(self.redis.execute_command("SPUBLISH", channel, orjson.dumps(signal)))


def own(account_ids: Iterable[str | None]) -> Present:
    """What a gateway says of its connections, by the account of each."""
    everybody = list(account_ids)
    named = sorted({account_id for account_id in everybody if account_id is not None})
    return Present(len(everybody), tuple(named) if len(named) <= MOST_LISTED else None)


def _total(parts: Iterable[Mapping[str, Any]], now_ms: int) -> Present:
    alive = [part for part in parts if part["at_ms"] > now_ms - GONE_S * 1000]
    count = sum(part["count"] for part in alive)
    lists = [part["accounts"] for part in alive]
    if count >= MOST_LISTED or any(each is None for each in lists):
        return Present(count, None)
    return Present(count, tuple(sorted({account_id for each in lists for account_id in each})))
