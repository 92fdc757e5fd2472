"""Whether two versions of a projection in Redis hold the same, member by member.

Everything is read from the keys themselves, not kept while folding, so that what happened to the store beside
the fold is seen too. It is read in pages, whatever the key's kind, between which Redis serves others. Nobody
writes to the version that was built; the running one moves on meanwhile, so what differs in the first look is
looked at again: its members and its fence in one call, beside the built version brought to that very fence.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import orjson

from streams.engine.differences import Differences
from streams.engine.patience import patiently

PAGE: Final = 500  # members read in one call
AGAIN: Final = 100  # of those looked at again
NOT_COMPARED: Final = frozenset(("meta", "seen"))
STATE: Final = "state"

# Bring the built version to this offset of the log. Raises where it is beyond it.
Advance = Callable[[int], Awaitable[None]]

# KEYS: meta, then keys. ARGV: for each member the number of its key among KEYS, and its name.
# Returns {fence, content of each member}, all of one moment; false for a member that is not there.
_AT_ONCE: Final = """
local kinds, found = {}, {}
for i = 1, #ARGV, 2 do
  local key, name, value = KEYS[tonumber(ARGV[i])], ARGV[i + 1], false
  local kind = kinds[key] or redis.call('TYPE', key)['ok']
  kinds[key] = kind
  if kind == 'hash' then value = redis.call('HGET', key, name)
  elseif kind == 'set' then value = redis.call('SISMEMBER', key, name) == 1 and ''
  elseif kind == 'zset' then value = redis.call('ZSCORE', key, name)
  elseif kind == 'list' then value = tonumber(name) and redis.call('LINDEX', key, name)
  elseif kind == 'string' then value = name == '' and redis.call('GET', key)
  elseif kind == 'stream' then
    local entries = redis.pcall('XRANGE', key, name, name)
    if entries[1] then
      value = ''
      for _, piece in ipairs(entries[1][2]) do value = value .. #piece .. ':' .. piece end
    end
  end
  found[#found + 1] = value and (kind .. ' ' .. value)
end
return {redis.call('HGET', KEYS[1], 'fence') or '-1', found}
"""


class Member(NamedTuple):
    """One part of one key: a hash's field, a set's member, a list's index, a stream's id, "" of a string."""

    suffix: str
    name: bytes

    @property
    def text(self) -> str:
        """The document's key, or for a key of the projection's own `suffix/member`."""
        name = self.name.decode("utf-8", "replace")
        return name if self.suffix == STATE else f"{self.suffix}/{name}" if name else self.suffix


async def stored(client: Any, name: str) -> dict[str, set[str]]:
    """Suffixes of the keys of all versions, by hash tag; without outcomes, which expire by themselves."""

    async def look() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        async for key in client.scan_iter(match=f"{_escaped(f'{{{name}:')}*", count=2000):
            tag, _, suffix = key.decode().partition("}:")
            if not suffix.startswith("outcome:"):
                found.setdefault(tag + "}", set()).add(suffix)
        return found

    return await patiently("scan", look)


async def compare(
    client: Any, old: str, new: str, suffixes: Iterable[str], advance: Advance
) -> tuple[str, Differences]:
    """Digest of everything under the tag `new`, and where `old` differs from it. Waits out a lost store.

    `suffixes` are those of both. Memory: a hash for each member of one partition.
    """
    compared = sorted(set(suffixes) - NOT_COMPARED)
    held: dict[Member, bytes] = {}
    for suffix in compared:
        async for page in _pages(client, f"{new}:{suffix}"):
            held.update((Member(suffix, name), _hash(suffix, name, text)) for name, text in page)
    digest = hashlib.sha256(b"".join(sorted(held.values()))).hexdigest()
    suspects: set[Member] = set()
    for suffix in compared:
        async for page in _pages(client, f"{old}:{suffix}"):
            for name, text in page:
                # A scan may give a member twice: the second time it is looked at again.
                if held.pop(Member(suffix, name), None) != _hash(suffix, name, text):
                    suspects.add(Member(suffix, name))
    found = Differences()
    # Documents first: they say more than the keys that lists are made of.
    again = sorted(suspects | held.keys(), key=lambda member: (member.suffix != STATE, member))
    for n in range(0, len(again), AGAIN):
        members = again[n : n + AGAIN]
        fence, before = await _at_once(client, old, members)
        await advance(fence)
        _, after = await _at_once(client, new, members)
        for member, one, other in zip(members, before, after, strict=True):
            if one != other:
                found.add(member.text, _shown(one), _shown(other))
    return digest, found


async def _at_once(client: Any, tag: str, members: Sequence[Member]) -> tuple[int, list[bytes | None]]:
    keys = {suffix: n for n, suffix in enumerate(sorted({m.suffix for m in members}), start=2)}
    args = [part for m in members for part in (keys[m.suffix], m.name)]
    places = [f"{tag}:meta", *(f"{tag}:{suffix}" for suffix in keys)]
    fence, found = await patiently("digest", lambda: client.eval(_AT_ONCE, len(places), *places, *args))
    return int(fence), found


async def _pages(client: Any, key: str) -> AsyncIterator[list[tuple[bytes, bytes]]]:
    """(member, content) in pages; nothing for a key that is not there."""
    kind = (await patiently("digest", lambda: client.type(key))).decode()
    if kind in _SCANS:
        cursor = 0
        while True:
            scan = partial(getattr(client, _SCANS[kind]), key, cursor, count=PAGE)
            cursor, found = await patiently("digest", scan)
            pairs = (
                found.items() if kind == "hash" else found if kind == "zset" else ((m, b"") for m in found)
            )
            yield [(name, _content(kind, value)) for name, value in pairs]
            if not int(cursor):
                return
    elif kind == "list":
        begin = 0
        while page := await patiently("digest", partial(client.lrange, key, begin, begin + PAGE - 1)):
            yield [(b"%d" % n, _content(kind, value)) for n, value in enumerate(page, start=begin)]
            begin += PAGE
    elif kind == "stream":
        after = "-"
        while page := await patiently("digest", partial(client.xrange, key, after, "+", PAGE)):
            yield [
                (
                    name,
                    _content(kind, b"".join(b"%d:%b" % (len(x), x) for pair in fields.items() for x in pair)),
                )
                for name, fields in page
            ]
            after = f"({page[-1][0].decode()}"
    elif kind == "string":
        value = await patiently("digest", lambda: client.get(key))
        yield [] if value is None else [(b"", _content(kind, value))]


_SCANS: Final = {"hash": "hscan", "set": "sscan", "zset": "zscan"}


def _content(kind: str, value: bytes | float) -> bytes:
    return kind.encode() + b" " + (value if isinstance(value, bytes) else repr(float(value)).encode())


def _hash(suffix: str, name: bytes, text: bytes) -> bytes:
    return hashlib.sha256(b"%d:%b%d:%b%b" % (len(suffix), suffix.encode(), len(name), name, text)).digest()


def _shown(text: bytes | None) -> Any:
    """A member's content as a JSON value, for people."""
    if text is None:
        return None
    value = text.partition(b" ")[2]
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value.decode("utf-8", "replace")


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]^-\\" else c for c in text)


async def drop(client: Any, name: str, version: int) -> None:
    """Delete everything of one version."""
    async for key in client.scan_iter(match=f"{_escaped(f'{{{name}:{version}:')}*", count=2000):
        await client.unlink(key)
