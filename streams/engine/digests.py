"""Whether two versions of a projection hold the same: digests of what stands in Redis, by key range.

They are taken from the keys themselves, not kept while folding, so they also see what happened to the
store beside the fold. Documents are read in steps of a few hundred, between which Redis serves others; what
changed meanwhile is read again together with the fence. Only the keys of a projection's own are digested in
one call: they have no order in which a part of them could be read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from functools import partial
from typing import Any, Final, NamedTuple

from streams.engine.patience import patiently

RANGES: Final = 16  # of keys, by the first hexadecimal digit of their hash
STEP: Final = 500  # documents read in one call
ENGINE_KEYS: Final = frozenset(("meta", "state", "seen"))

# Keys of the records of an offset range, both ends included: what may have changed in it.
Changed = Callable[[int, int], Awaitable[Set[str]]]

# KEYS: meta, state, then the projection's own keys. ARGV: fields of the state.
# Returns {fence, the fields' values, a digest per own key}, all of one moment.
# Sums modulo 2^48 of the parts' hashes do not depend on the order in which Redis gives them.
_MOMENT: Final = """
local function part(...)
  local text = ''
  for _, piece in ipairs({...}) do text = text .. #piece .. ':' .. piece end
  local hash = redis.sha1hex(text)
  return hash, tonumber(string.sub(hash, 1, 12), 16)
end
local M = 281474976710656
local values = {}
for i = 1, #ARGV do values[i] = redis.call('HGET', KEYS[2], ARGV[i]) end
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
return {redis.call('HGET', KEYS[1], 'fence') or '-1', values, own}
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


async def digest(client: Any, tag: str, changed: Changed) -> Digest:
    """Digest of everything under `tag` but outcomes, of one moment. Waits out a store that is away.

    `changed` is asked only where the fence moves meanwhile.
    """
    while True:
        found = await _digest(client, tag, changed)
        if found is not None:
            return found


async def _digest(client: Any, tag: str, changed: Changed) -> Digest | None:
    """None when the fence went back: then what was read is of no moment at all."""
    fence = int(await patiently("digest", partial(client.hget, f"{tag}:meta", "fence")) or -1)
    held = await _documents(client, tag)
    again: set[str] = set()  # keys that may have changed since the first step
    while True:
        suffixes = await own_suffixes(client, tag)
        keys = [f"{tag}:meta", f"{tag}:state", *(f"{tag}:{suffix}" for suffix in suffixes)]
        fields = sorted(again)
        now, values, own = await patiently("digest", partial(client.eval, _MOMENT, len(keys), *keys, *fields))
        if int(now) < fence:
            return None
        for field, value in zip(fields, values, strict=True):
            held.pop(field, None)
            if value is not None:
                held[field] = _hash(field, value)
        more = set() if int(now) == fence else await changed(fence + 1, int(now)) - again
        fence = int(now)
        again |= more
        # A key that came between the listing and the digest is missing in it: then look again.
        if not more and suffixes == await own_suffixes(client, tag):
            digests = dict(zip(suffixes, (d.decode() for d in own), strict=True))
            return Digest(fence, _ranges(held), digests)


async def _documents(client: Any, tag: str) -> dict[str, bytes]:
    """Hash of every document, by its field; of as many moments as there are steps."""
    held: dict[str, bytes] = {}
    cursor = 0
    while True:
        step = partial(client.hscan, f"{tag}:state", cursor, count=STEP)
        cursor, page = await patiently("digest", step)
        for field, value in page.items():
            held[field.decode()] = _hash(field.decode(), value)
        if not int(cursor):
            return held


def _hash(field: str, value: bytes) -> bytes:
    return hashlib.sha256(b"%d:%b%b" % (len(field), field.encode(), value)).digest()


def _ranges(held: Mapping[str, bytes]) -> tuple[str, ...]:
    """A digest per range: the hash of its documents' hashes in order."""
    parts: list[list[bytes]] = [[] for _ in range(RANGES)]
    for field, hashed in held.items():
        parts[hashlib.sha256(field.encode()).digest()[0] >> 4].append(hashed)
    return tuple(hashlib.sha256(b"".join(sorted(part))).hexdigest()[:12] for part in parts)


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


async def differing(
    client: Any, tag: str, other: str, suspects: Iterable[str] = (), most: int = 20
) -> list[str]:
    """Keys of the state that differ now between two tags, then the own keys `suspects`; at most `most`."""
    left, right = await _documents(client, tag), await _documents(client, other)
    keys = [key for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)]
    return [*keys, *(f"{suffix} (own key)" for suffix in suspects)][:most]


async def drop(client: Any, name: str, unwanted: Callable[[int], bool]) -> None:
    """Delete everything of the versions of `name` that are unwanted: scratch ones, or those nobody reads."""
    begin = f"{{{name}:"
    async for key in client.scan_iter(match=f"{_escaped(begin)}*", count=2000):
        version = key.decode()[len(begin) :].partition(":")[0]
        if version.isdecimal() and unwanted(int(version)):
            await client.unlink(key)
