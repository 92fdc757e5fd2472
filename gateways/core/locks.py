"""Short leases in Redis for the edge: state of the gateways alone, nothing of the domain depends on it."""

from __future__ import annotations

from typing import Any, Final

_RENEW: Final = (
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) end return 0"
)
_RELEASE: Final = "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0"


class RedisLocks:
    """A lock ends by itself after `ttl_s`: a killed gateway holds nobody up for longer."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def acquire(self, name: str, token: str, ttl_s: float) -> bool:
        """True if nobody held it."""
        return bool(await self._redis.set(name, token, nx=True, px=int(ttl_s * 1000)))

    async def renew(self, name: str, token: str, ttl_s: float) -> bool:
        """Hold it longer; False if it has been lost."""
        return bool(await self._redis.eval(_RENEW, 1, name, token, int(ttl_s * 1000)))

    async def release(self, name: str, token: str) -> None:
        """Give it back, if it is still ours."""
        await self._redis.eval(_RELEASE, 1, name, token)

    async def left_s(self, name: str) -> float:
        """After how many seconds it ends if nobody holds it longer; 0 if nobody holds it."""
        return max(0, int(await self._redis.pttl(name))) / 1000
