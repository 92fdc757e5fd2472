"""Whether two versions of a projection hold the same: digests of what stands in Redis, by key range.

They are taken from the keys themselves, not kept while folding, so they also see what happened to the
store beside the fold. One call digests one partition together with its fence; it blocks Redis for about
2 microseconds a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from streams.engine.patience import patiently

RANGES: Final = 16  # of keys, by the first hexadecimal digit of their hash
ENGINE_KEYS: Final = frozenset(("meta", "state", "seen"))

# KEYS: meta, state, then the projection's own keys. Returns {fence, a digest per range, one per own key}.
# Sums modulo 2^48 of the parts' hashes do not depend on the order in which Redis gives them.
_DIGEST: Final = """
local function part(...)
  local text = ''
  for _, piece in ipairs({...}) do text = text .. #piece .. ':' .. piece end
  local hash = redis.sha1hex(text)
  return hash, tonumber(string.sub(hash, 1, 12), 16)
end
local M = 281474976710656
local sums = {}
for i = 1, 16 do sums[i] = 0 end
local cursor = '0'
repeat
  local page = redis.call('HSCAN', KEYS[2], cursor, 'COUNT', 1000)
  cursor = page[1]
  for i = 1, #page[2], 2 do
    local range = tonumber(string.sub(redis.sha1hex(page[2][i]), 1, 1), 16) + 1
    local _, n = part(page[2][i], page[2][i + 1])
    sums[range] = (sums[range] + n) % M
  end
until cursor == '0'
for i = 1, 16 do sums[i] = string.format('%012x', sums[i]) end
local own = {}
for i = 3, #KEYS do
  local key, kind, sum = KEYS[i], redis.call('TYPE', KEYS[i])['ok'], 0
  local ordered = ''
  if kind == 'string' then ordered = part(redis.call('GET', key))
  elseif kind == 'hash' then
    local all = redis.call('HGETALL', key)
    for j = 1, #all, 2 do local _, n = part(all[j], all[j + 1]); sum = (sum + n) % M end
  elseif kind == 'set' then
    for _, member in ipairs(redis.call('SMEMBERS', key)) do
      local _, n = part(member); sum = (sum + n) % M
    end
  elseif kind == 'zset' or kind == 'list' then
    local all = kind == 'zset' and redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
      or redis.call('LRANGE', key, 0, -1)
    for _, piece in ipairs(all) do ordered = part(ordered, piece) end
  elseif kind == 'stream' then
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
      ordered = part(ordered, entry[1], unpack(entry[2]))
    end
  end
  own[#own + 1] = kind .. ':' .. ordered .. string.format('%012x', sum)
end
return {redis.call('HGET', KEYS[1], 'fence') or '-1', sums, own}
"""


class Digest(NamedTuple):
    """One partition of one version at one fence."""

    fence: int
    ranges: tuple[str, ...]
    own: dict[str, str]  # suffix of each key of the projection's own -> digest

    @property
    def text(self) -> str:
        """All of it in one line, for receipts."""
        return "".join(self.ranges) + "".join(f"{k}={v}" for k, v in sorted(self.own.items()))


async def digest(client: Any, tag: str) -> Digest:
    """Digest of everything under `tag` but outcomes, of one moment. Waits out a store that is away."""
    while True:
        suffixes = await own_suffixes(client, tag)
        keys = [f"{tag}:meta", f"{tag}:state", *(f"{tag}:{suffix}" for suffix in suffixes)]
        fence, ranges, own = await patiently("digest", partial(client.eval, _DIGEST, len(keys), *keys))
        # A key that came between the listing and the digest is missing in it: then look again.
        if suffixes == await own_suffixes(client, tag):
            digests = dict(zip(suffixes, (d.decode() for d in own), strict=True))
            return Digest(int(fence), tuple(r.decode() for r in ranges), digests)


async def own_suffixes(client: Any, tag: str) -> list[str]:
    """Suffixes of the keys that the projection's ops made."""
    found = []
    async for key in client.scan_iter(match=f"{_escaped(tag)}:*", count=2000):
        suffix = key.decode()[len(tag) + 1 :]
        if suffix not in ENGINE_KEYS and not suffix.startswith("outcome:"):
            found.append(suffix)
    return sorted(found)


def _escaped(tag: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]^-\\" else c for c in tag)


async def differing(client: Any, tag: str, other: str, most: int = 20) -> list[str]:
    """Keys of the state, and own keys, that differ now between two tags; at most `most`."""
    left, right = await _states(client, tag), await _states(client, other)
    keys = [key for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)]
    ours, theirs = await digest(client, tag), await digest(client, other)
    keys += [
        f"{suffix} (own key)"
        for suffix in sorted(ours.own.keys() | theirs.own.keys())
        if ours.own.get(suffix) != theirs.own.get(suffix)
    ]
    return keys[:most]


async def _states(client: Any, tag: str) -> Mapping[str, bytes]:
    return {key.decode(): value async for key, value in client.hscan_iter(f"{tag}:state", count=1000)}


async def drop(client: Any, tag: str) -> None:
    """Delete everything under a tag: a scratch version, or one that nobody reads."""
    async for key in client.scan_iter(match=f"{_escaped(tag)}:*", count=2000):
        await client.unlink(key)
