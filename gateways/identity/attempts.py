"""Wrong passwords: after a few, each further try from the same network has to wait longer.

Counted for an address and the network that asks, so that nobody can lock anybody else out. State of the
gateways alone: losing it forgives.
"""

from __future__ import annotations

from typing import Any, Final

from gateways.core.problem import Problem

FREE: Final = 5  # tries without a wait
LONGEST_S: Final = 900
FORGOTTEN_S: Final = 3600  # without a further try
# A try is counted before it is made, so that many at once are no way around.
_TRY: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = tonumber(redis.call('HGET', KEYS[1], 'ends') or '0')
if now < ends then return ends - now end
local n = redis.call('HINCRBY', KEYS[1], 'n', 1)
local wait = 0
if n >= tonumber(ARGV[1]) then wait = math.min(2 ^ math.min(n - ARGV[1], 20), tonumber(ARGV[2])) end
redis.call('HSET', KEYS[1], 'ends', now + wait * 1000)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 0
"""


class Attempts:
    """Tries at passwords, counted in Redis."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def count(self, name: str) -> None:
        """Call before a password is looked at; Problem 429 while a further try has to wait."""
        wait_ms = int(await self._redis.eval(_TRY, 1, f"edge:attempts:{name}", FREE, LONGEST_S, FORGOTTEN_S))
        if wait_ms > 0:
            wait_s = -(-wait_ms // 1000)
            raise Problem(
                "too-many-requests",
                f"Too many wrong passwords; try again in {wait_s} s.",
                headers={"Retry-After": str(wait_s)},
            )

    async def forget(self, name: str) -> None:
        """The password was right."""
        await self._redis.delete(f"edge:attempts:{name}")
