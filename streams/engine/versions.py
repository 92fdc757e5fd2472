"""Which version of a projection readers use, who may change that, and what all versions of an agent share."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from schemas.keys import pointer_key
from streams.engine.patience import patiently

REQUEST_WINDOW: Final = 8192  # request ids a decider remembers per input partition; part of its state
LEASE_S: Final = 10.0
RENEW_S: Final = 2.0

# KEYS: lease. ARGV: token, milliseconds.
_RENEW: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
# KEYS: lease. ARGV: token.
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
# KEYS: pointer, lease. ARGV: version before, version after, token.
# A call whose answer was lost is made again: then the pointer is there already.
_GO_OVER: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
local now = redis.call('GET', KEYS[1]) or '1'
if now == ARGV[2] then return 1 end
if now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class ReplayRefused(Exception):
    """This cannot be replayed so, or somebody else is at it; the text says what to do."""


async def current_version(client: Any, name: str) -> int:
    """The version of a projection that readers use. Waits out a store that is away."""
    value = await patiently("pointer", lambda: client.get(pointer_key(name)))
    return 1 if value is None else int(value)


class Right:
    """The right to make, remove and go over to versions of one projection: one process has it at a time."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name
        self._key = f"rebuild:{{{name}}}"  # the pointer's slot, so that going over looks at both
        self._token = secrets.token_hex(8)
        self._held = False

    async def take(self) -> bool:
        """Whether it is ours now."""
        set_it = self._client.set
        args = {"nx": True, "px": int(LEASE_S * 1000)}
        self._held = bool(await patiently("right", lambda: set_it(self._key, self._token, **args)))
        return self._held

    async def keep(self) -> None:
        """Renew it until cancelled or lost."""
        args = (_RENEW, 1, self._key, self._token, int(LEASE_S * 1000))
        while self._held:
            await asyncio.sleep(RENEW_S)
            self._held = bool(await patiently("right", lambda: self._client.eval(*args)))

    async def give_back(self) -> None:
        """For the next one."""
        await patiently("right", lambda: self._client.eval(_RELEASE, 1, self._key, self._token))

    def check(self) -> None:
        """Raises ReplayRefused when it was lost: this process, or the store, was away for too long."""
        if not self._held:
            raise ReplayRefused(
                f"{self._name}: this process or Redis was away for more than {LEASE_S:.0f} s, another may be "
                "at it: readers stay; run the command again, it begins anew"
            )

    async def go_over(self, before: int, after: int) -> None:
        """Let readers go over: one compare-and-set. Raises ReplayRefused if anybody else was faster."""
        key = pointer_key(self._name)
        args = (before, after, self._token)
        if not await patiently("pointer", lambda: self._client.eval(_GO_OVER, 2, key, self._key, *args)):
            raise ReplayRefused(
                f"{self._name}: readers went over meanwhile, by another rebuild: run the command again"
            )


@contextlib.asynccontextmanager
async def right_of(client: Any, name: str, say: Callable[[str], None]) -> AsyncIterator[Right]:
    """Hold the right for the length of a block. One that was killed has it for LEASE_S more.

    Raises ReplayRefused if another process works on these versions.
    """
    right = Right(client, name)
    begun = time.monotonic()
    while not await right.take():
        if time.monotonic() - begun > LEASE_S + RENEW_S:
            raise ReplayRefused(
                f"{name}: another rebuild or verification of it is running: wait until it ends, then run the "
                "command again"
            )
        if time.monotonic() - begun < RENEW_S / 4:
            say(f"{name}: waiting for another rebuild or verification, or one that was killed, to end")
        await asyncio.sleep(RENEW_S / 2)
    keeping = asyncio.create_task(right.keep())
    try:
        yield right
    finally:
        keeping.cancel()
        await right.give_back()
