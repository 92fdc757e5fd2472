"""Counts requests against the rates of their route's class, in Redis for all gateways together.

Redis away: this process counts by itself, a metric says so, and Redis is asked again a second later. No
address and no name stands in Redis, only keyed hashes of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from aiohttp import web
from redis.exceptions import NoScriptError, RedisError

from gateways.core.gcra import SCRIPT, Count, Local
from gateways.core.principal import Principal
from gateways.core.problem import Problem
from gateways.core.rates import DEFAULTS, IP, KEY, USER, Rate, Rates
from streams.core import metrics
from streams.core.logging import get_logger

_log = get_logger("gateway.limits")
ANSWER_S: Final = 0.25
RETRY_AFTER_S: Final = 1.0
SLOT: Final = "{limits}"  # one slot of a cluster, since one call counts for all that a request counts against
_SHA: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class Scripts(Protocol):
    """The part of redis.asyncio's clients that runs a script."""

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> Any: ...
    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any: ...


class Allowance(NamedTuple):
    """What is left to the client of what leaves it least: the answer's RateLimit headers."""

    name: str
    rate: Rate
    left: int
    full_s: int
    wait_s: int

    def headers(self) -> dict[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers-10."""
        policy = f'"{self.name}";q={self.rate.most};w={self.rate.per_s}'
        return {
            "RateLimit-Policy": policy,
            "RateLimit": f'"{self.name}";r={self.left};t={self.wait_s or self.full_s}',
        }


LIMIT = web.RequestKey("limit", Allowance)


class Limiter:
    """One a process. `secret` keys the hashes: the same in all gateways that count together."""

    def __init__(
        self,
        redis: Scripts | None,
        secret: bytes = b"",
        rates: Rates = DEFAULTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._secret = hashlib.sha256(b"limits" + (secret or secrets.token_bytes(32))).digest()
        self._rates = rates
        self._clock = clock
        self._local = Local()
        self._away_until_s = 0.0

    async def take(self, name: str, principal: Principal, network: str) -> Allowance | None:
        """Count one request of class `name`; None if nothing of it is counted. Raises a 429 Problem."""
        counted = {
            kind: who
            for kind, who in ((USER, principal.counted_as), (KEY, principal.key_id), (IP, network))
            if who is not None and kind in self._rates[name]
        }
        if not counted:
            return None
        keys = [f"{SLOT}:{name}:{kind}:{self._hidden(who)}" for kind, who in counted.items()]
        limits = [self._rates[name][kind] for kind in counted]
        counts = await self._counts(keys, limits)
        stands = [
            Allowance(f"{name}-{kind}", rate, count.left, _seconds(count.full_us), _seconds(count.wait_us))
            for kind, rate, count in zip(counted, limits, counts, strict=True)
        ]
        worst = max(stands, key=lambda one: (one.wait_s, -one.left / one.rate.most))
        if worst.wait_s:
            raise _refusal(worst)
        return worst

    async def _counts(self, keys: Sequence[str], limits: Sequence[Rate]) -> list[Count]:
        now_s = self._clock()
        if self._redis is not None and now_s >= self._away_until_s:
            arguments = [0, *(number for rate in limits for number in (rate.each_us, rate.burst_us))]
            try:
                async with asyncio.timeout(ANSWER_S):
                    flat = await self._run(self._redis, keys, arguments)
            except (RedisError, OSError, TimeoutError) as error:
                self._away_until_s = now_s + RETRY_AFTER_S
                _log.warning("limits are counted in this process alone", error=type(error).__name__)
            else:
                return [Count(*flat[at : at + 3]) for at in range(0, len(flat), 3)]
        metrics.LIMITS_LOCAL.inc()
        return self._local.take(keys, limits, int(now_s * 1e6))

    @staticmethod
    async def _run(redis: Scripts, keys: Sequence[str], arguments: Sequence[int]) -> list[int]:
        try:
            found = await redis.evalsha(_SHA, len(keys), *keys, *arguments)
        except NoScriptError:
            found = await redis.eval(SCRIPT, len(keys), *keys, *arguments)
        return [int(number) for number in found]

    def _hidden(self, who: str) -> str:
        return hashlib.blake2b(who.encode(), key=self._secret, digest_size=12).hexdigest()


def _seconds(time_us: int) -> int:
    return math.ceil(time_us / 1e6)


def _refusal(stands: Allowance) -> Problem:
    return Problem(
        "too-many-requests",
        f"At most {stands.rate.most} such requests in {stands.rate.per_s} s; wait {stands.wait_s} s.",
        headers={**stands.headers(), "Retry-After": str(stands.wait_s)},
        policy=stands.name,
    )
