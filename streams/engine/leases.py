"""Encode leases: who works on what, so that minute-long work is not done twice at once.

A lease only prevents double work; losing them all loses nothing, since the asset's decider knows what is
outstanding. Each grant has a fencing token above every earlier one of the same work, also after the store
was emptied: it is taken from the store's clock, in microseconds, since two grants fit into a millisecond.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple

from streams.engine.patience import patiently

LEASE_MS: Final = 5_000
RENEW_S: Final = 1.0
_KEPT_MS: Final = 3_600_000  # tokens and done marks outlive the lease by this

# KEYS: the lease. ARGV: slot, life, request, lease ms, kept ms. Returns {state, token or ms left}.
# A slot runs one process at a time, so what an earlier life of the same slot held is free.
_GRANT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'slot', 'life', 'token', 'until', 'done')
if held[5] == ARGV[3] then return {'done', '0'} end
local left = (tonumber(held[4]) or 0) - now
if left > 0 and not (held[1] == ARGV[1] and held[2] ~= ARGV[2]) then
  return {'held', string.format('%.0f', left)}
end
local token = string.format('%.0f', math.max((tonumber(held[3]) or 0) + 1, clock[1] * 1000000 + clock[2]))
redis.call('HSET', KEYS[1], 'slot', ARGV[1], 'life', ARGV[2], 'token', token,
  'until', string.format('%.0f', now + ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'granted', token}
"""
# ARGV: slot, life, token, lease ms, kept ms. A store that was emptied gives the lease back to its holder.
_RENEW: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local token = redis.call('HGET', KEYS[1], 'token')
if token and token ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'slot', ARGV[1], 'life', ARGV[2], 'token', ARGV[3],
  'until', string.format('%.0f', now + ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
"""
# ARGV: token, request or ''.
_RELEASE: Final = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', '0')
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'done', ARGV[2]) end
return 1
"""


class Grant(NamedTuple):
    """`token` above 0: the work is ours. `done`: this very request was finished. Else ask in `wait_s`."""

    token: int = 0
    done: bool = False
    wait_s: float = 0.0


class Leases:
    """Leases of one process. Waits out a store that is away: meanwhile nobody else is granted one either."""

    def __init__(self, client: Any, slot: str) -> None:
        """`slot`: a stable name that one process at a time carries."""
        self._client, self._slot, self._life = client, slot, secrets.token_hex(8)

    async def grant(self, work_id: str, request_id: str) -> Grant:
        """Ask for the lease of `work_id` on behalf of one request."""
        state, value = await self._call(
            _GRANT, work_id, self._slot, self._life, request_id, LEASE_MS, _KEPT_MS
        )
        if state == b"granted":
            return Grant(token=int(value))
        return Grant(done=True) if state == b"done" else Grant(wait_s=int(value) / 1000)

    async def renew(self, work_id: str, token: int) -> bool:
        """Extend it by LEASE_MS. False: someone else was granted it."""
        return bool(await self._call(_RENEW, work_id, self._slot, self._life, token, LEASE_MS, _KEPT_MS))

    async def release(self, work_id: str, token: int, done_request: str = "") -> None:
        """Give it back. `done_request` names the request whose reports are on the log: nobody repeats it."""
        await self._call(_RELEASE, work_id, token, done_request)

    async def _call(self, script: str, work_id: str, *args: Any) -> Any:
        key = f"lease:{{{work_id}}}"
        return await patiently("leases", lambda: self._client.eval(script, 1, key, *args))
