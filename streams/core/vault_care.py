"""What administrators do with a vault as a whole: count, wrap anew, read everything, restore."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from redis.exceptions import ResponseError, WatchError

from streams.core import vault_scripts
from streams.core.kms import epoch_ms
from streams.core.vault import CANARY, CANARY_PLACE, Vault, VaultError, answer, place

_BATCH: Final = 500


class NotEmpty(VaultError):
    """A restore into a vault that holds something."""


class Entry(NamedTuple):
    """One entry in clear; `expires_at_ms` of the wall clock, None: never."""

    kind: str
    id: str
    value: bytes
    subject: str | None
    expires_at_ms: int | None


class Filed(NamedTuple):
    """An entry of somebody's, not opened. `token`: of the write that made it as it was seen."""

    kind: str
    id: str
    subject: str
    token: bytes
    age_s: float


@dataclass(frozen=True)
class Holding:
    """How many entries there are, by kind and by the key that they are wrapped under."""

    by_kind: dict[str, int]
    by_key: dict[str, int]


async def holding(vault: Vault) -> Holding:
    """Count everything; reads every entry's first bytes, opens none."""
    kinds, keys = Counter[str](), Counter[str]()
    seen: set[str] = set()
    async with vault.at_work():
        async for batch in _names(vault):
            names = [name for name in batch if name not in seen]
            seen.update(names)
            for name, wrapped in zip(names, await _wrapped(vault, names), strict=True):
                if wrapped is not None:
                    kinds[name.split(":", 2)[1]] += 1
                    keys[vault.kms.key_id_of(wrapped)] += 1
    return Holding(dict(sorted(kinds.items())), dict(keys))


async def shortcomings(vault: Vault) -> list[str]:
    """Sentences about a server that would lose or keep what a vault must not; empty if it is as it should be.

    A server that does not tell its configuration is taken at its word.
    """
    wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
    async with vault.at_work():
        try:
            found: dict[Any, Any] = await vault.redis.config_get(*wanted)
        except ResponseError:
            return []
    return [
        f"{name} is {found[name]} at {vault.where}: set `{name} {value}` there."
        for name, value in wanted.items()
        if found.get(name, value) != value
    ]


async def rewrap(vault: Vault) -> int:
    """Wrap anew what is wrapped under another than the active key; returns how many entries were.

    Ended when nothing is left under an older key; interrupted anywhere, the next call goes on from there.
    Readers and writers go on meanwhile.
    """
    total = 0
    async with vault.at_work():
        while changed := await _rewrap_pass(vault):
            total += changed
        canary = await answer(vault.redis.get("canary"))
        if vault.kms.key_id_of(canary) != vault.kms.active_key_id:
            await answer(vault.redis.set("canary", vault.kms.wrap(CANARY, CANARY_PLACE)))
    return total


async def _rewrap_pass(vault: Vault) -> int:
    kms, changed = vault.kms, 0
    replace = vault.redis.register_script(vault_scripts.REWRAP)
    async for names in _names(vault):
        wrapped_values = await _wrapped(vault, names)
        # One flush to the disk a batch, not one an entry.
        async with vault.redis.pipeline(transaction=False) as pipe:
            for name, wrapped in zip(names, wrapped_values, strict=True):
                if wrapped is not None and kms.key_id_of(wrapped) != kms.active_key_id:
                    _, kind, id = name.split(":", 2)
                    fresh = kms.wrap(kms.unwrap(wrapped, place(kind, id)), place(kind, id))
                    # One that was written meanwhile stays; it may have the old key, so another pass looks.
                    await replace(keys=[name], args=[wrapped, fresh], client=pipe)
                    changed += 1
            await pipe.execute()
    return changed


async def all_entries(vault: Vault) -> AsyncIterator[Entry]:
    """Everything in clear, for a backup. What changes meanwhile comes as it was or as it is."""
    async with vault.at_work():
        async for names in _names(vault):
            async with vault.redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hmget(name, ["v", "s"])
                    pipe.pexpiretime(name)
                answers: list[Any] = await pipe.execute()
            for name, (wrapped, subject), ends_ms in zip(names, answers[::2], answers[1::2], strict=True):
                if wrapped is not None:
                    _, kind, id = name.split(":", 2)
                    value = vault.kms.unwrap(wrapped, place(kind, id))
                    yield Entry(kind, id, value, subject.decode() or None, ends_ms if ends_ms > 0 else None)


async def filed_before(vault: Vault, age_s: float) -> AsyncIterator[list[Filed]]:
    """Entries filed under a subject that were put at least so long ago, in batches; one may come twice."""
    async with vault.at_work():
        seconds, _ = await answer(vault.redis.time())
        async for names in _names(vault):
            async with vault.redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hmget(name, ["s", "n", "m"])
                found: list[list[bytes | None]] = await pipe.execute()
            filed = []
            for name, (subject, token, put_at_ms) in zip(names, found, strict=True):
                _, kind, id = name.split(":", 2)
                if subject and token:
                    age = seconds - int(put_at_ms or 0) / 1000
                    filed.append(Filed(kind, id, subject.decode(), token, age))
            yield [entry for entry in filed if entry.age_s >= age_s]


async def restore(vault: Vault, backup_id: str, entries: Iterable[Entry], *, replace: bool) -> int:
    """Fill the vault with `entries`, wrapped under the keys here; returns how many.

    Until it has ended nobody else can use the vault; interrupted, the same call goes on. Raises NotEmpty
    unless `replace` allows to remove what is there, VaultUnusable as every use does.
    """
    count = 0
    async with vault.at_work(opened=False):
        await _begin(vault, backup_id, replace=replace)
        put = vault.redis.register_script(vault_scripts.PUT)
        left = iter(entries)
        while batch := list(islice(left, _BATCH)):
            async with vault.redis.pipeline(transaction=False) as pipe:
                for entry in batch:
                    left_ms = 0 if entry.expires_at_ms is None else entry.expires_at_ms - epoch_ms()
                    if entry.expires_at_ms is not None and left_ms <= 0:
                        continue
                    where = place(entry.kind, entry.id)
                    token = hashlib.sha256(backup_id.encode() + where).digest()[:12]
                    arguments = (vault.kms.wrap(entry.value, where), token, entry.kind, entry.id)
                    keys = [f"e:{entry.kind}:{entry.id}", f"i:{entry.kind}"]
                    options = (entry.subject or "", left_ms, 0, 0)
                    await put(keys=keys, args=(*arguments, *options), client=pipe)
                    count += 1
                await pipe.execute()
        # Cut off before the last step, the same call is made again; after it nobody would rewrite the file.
        await vault.rewrite_file()
        await answer(vault.redis.delete("restoring"))
    return count


async def _begin(vault: Vault, backup_id: str, *, replace: bool) -> None:
    async with vault.redis.pipeline() as pipe:
        while True:
            await pipe.watch("restoring", "canary")
            if await pipe.get("restoring") == backup_id.encode():
                return
            empty = True
            async for _ in _names(vault):
                empty = False
                break
            if not empty and not replace:
                raise NotEmpty(
                    f"The vault at {vault.where} holds entries: a restore needs an empty one, or --replace "
                    "to remove them first."
                )
            pipe.multi()  # type: ignore[no-untyped-call]
            pipe.flushdb()
            pipe.set("restoring", backup_id)
            pipe.set("canary", vault.kms.wrap(CANARY, CANARY_PLACE))
            try:
                await pipe.execute()
                return
            except WatchError:
                continue


async def _wrapped(vault: Vault, names: list[str]) -> list[bytes | None]:
    async with vault.redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hget(name, "v")
        found: list[bytes | None] = await pipe.execute()
    return found


async def _names(vault: Vault) -> AsyncIterator[list[str]]:
    """Names of all entries, in batches; one that is there all the time comes at least once."""
    names: list[str] = []
    async for name in vault.redis.scan_iter(match="e:*", count=_BATCH):
        names.append(name.decode())
        if len(names) >= _BATCH:
            yield names
            names = []
    if names:
        yield names
