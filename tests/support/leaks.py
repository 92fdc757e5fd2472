"""The search for secrets in everything that a stack keeps: topics, Redis, ClickHouse, objects, logs.

`planting.py` writes down each secret that a test uses; at the end of the run `leaks` searches for all of
them, in clear, in base64 (however it falls into a longer text) and in hexadecimal digits. A control that is
written to every place in every form shows that the search would have found them.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from confluent_kafka import Producer
from redis.asyncio import Redis

from deploy.local.launcher import Stack
from deploy.log_reader import LogError, LogReader
from schemas.catalog import topology
from streams.core.clients import clickhouse_client, redis_client
from streams.core.objects import NoSuchObject, ObjectStore

PLACES: Final = ("log", "redis", "clickhouse", "object", "file")
_CONTROL: Final = "control"
_WINDOW: Final = 8  # every form of a secret is longer
_BLOCK_BYTES: Final = 4 * 2**20
_CONTENT_KEY: Final = re.compile("[0-9a-f]{32}")


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of what a secret looks like where it was encoded alone or as part of something longer.

    A content key is planted as 32 hexadecimal digits, and looked for as its 16 bytes too.
    """
    if _CONTENT_KEY.fullmatch(secret):
        yield from _forms(bytes.fromhex(secret))
    yield from _forms(secret.encode())


def _forms(raw: bytes) -> Iterator[tuple[str, bytes]]:
    yield "clear", raw
    yield "hex", raw.hex().encode()
    yield "hex", raw.hex().upper().encode()
    for before in range(3):
        # The digits that bits of its neighbours go into are cut off.
        encoded = base64.b64encode(b"\0" * before + raw)
        whole = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield "base64", whole
        yield "base64", whole.translate(bytes.maketrans(b"+/", b"-_"))


class Search:
    """Looks for many secrets at once: a table of the first eight bytes of each form, then the whole."""

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self._forms: dict[int, set[tuple[str, bytes]]] = {}
        for secret, name in wanted.items():
            for form, raw in forms(secret):
                start = int.from_bytes(raw[:_WINDOW], "little")
                self._forms.setdefault(start, set()).add((f"{name} in {form}", raw))
        self._starts = np.array(sorted(self._forms), dtype=np.uint64)

    def hits(self, raw: bytes) -> set[str]:
        """`<what it is> in <form>` of all that stands in `raw`."""
        found: set[str] = set()
        for offset in range(_WINDOW if len(self._starts) else 0):
            count = (len(raw) - offset) // _WINDOW
            if count <= 0:
                break
            windows = np.frombuffer(raw, "<u8", count, offset)
            nearest = np.minimum(np.searchsorted(self._starts, windows), len(self._starts) - 1)
            for at in np.flatnonzero(self._starts[nearest] == windows):
                position = offset + int(at) * _WINDOW
                candidates = self._forms[int(windows[at])]
                found |= {what for what, form in candidates if raw.startswith(form, position)}
        return found

    def all_hits(self, pieces: Iterable[tuple[str, bytes]]) -> Iterator[str]:
        """Hits in (place, bytes), in blocks of one place."""
        last, block = "", bytearray()
        for place, raw in pieces:
            if block and (place != last or len(block) > _BLOCK_BYTES):
                yield from (f"{last}: {hit}" for hit in self.hits(bytes(block)))
                block.clear()
            last = place
            block += raw + b"\n"
        yield from (f"{last}: {hit}" for hit in self.hits(bytes(block)))


async def leaks(stack: Stack, planted: Mapping[str, str]) -> list[str]:
    """Where which secret (secret -> what it is; and those of the stack itself) stands; and a sentence for
    each place and form where the control was not found."""
    control = secrets.token_urlsafe(32)
    await _plant_control(stack, control)
    own = {secret: name for name, secret in stack.credentials.items() if name != "s3_access_key"}
    search = Search({**planted, **own, control: _CONTROL})
    found = set(search.all_hits(of_log(stack)))
    found |= set(search.all_hits([piece async for piece in of_redis(redis_client(stack.settings))]))
    found |= set(search.all_hits([piece async for piece in of_clickhouse(stack)]))
    found |= set(search.all_hits([piece async for piece in of_objects(stack)]))
    found |= set(search.all_hits(of_files(stack.home.logs)))
    controls = {hit for hit in found if f": {_CONTROL} in " in hit}
    blind = [
        f"the search is blind: it did not find the control in {form} in {place}"
        for place in PLACES
        for form in ("clear", "base64", "hex")
        if not any(hit.startswith(place) and hit.endswith(f"in {form}") for hit in controls)
    ]
    return sorted(found - controls) + blind


async def _plant_control(stack: Stack, control: str) -> None:
    """The control in every form in a dead letter, in Redis, in the history, an object and a log file."""
    shown = [control, control.encode().hex(), base64.b64encode(f"x{control}y".encode()).decode()]
    producer = Producer(stack.settings.kafka_client())
    redis, history = redis_client(stack.settings), await clickhouse_client(stack.settings)
    try:
        await history.command(
            f"CREATE TABLE IF NOT EXISTS {_CONTROL} (data String) ENGINE = MergeTree ORDER BY data"
        )
        for text in shown:
            producer.produce("identity.account.requests.dlq", text.encode())
            await redis.hset("edge:control", text[:8], text)
            await history.insert(_CONTROL, [[text]], column_names=["data"])
        async with ObjectStore(stack.settings) as objects:
            await objects.put("control", "\n".join(shown).encode(), "text/plain")
        assert producer.flush(60) == 0
    finally:
        await redis.aclose()
        await history.close()
    (stack.home.logs / "control.log").write_text("\n".join(shown))


def of_log(stack: Stack, topics: Iterable[str] | None = None) -> Iterator[tuple[str, bytes]]:
    """Keys, values and headers of every record, dead letters as well."""
    names = list(topology().topics if topics is None else topics)
    with LogReader(stack.settings) as reader:
        for name in (*names, *(f"{name}.dlq" for name in names)):
            places = [(name, partition) for partition in range(_partitions(reader, name))]
            for message in reader.messages(reader.spans(places)):
                headers = b"\n".join(value or b"" for _, value in message.headers() or ())
                yield f"log {name}", b"\n".join((message.key() or b"", message.value() or b"", headers))


def _partitions(reader: LogReader, topic: str) -> int:
    """How many the topic has; a broker with much to do is asked again."""
    for _ in range(12):
        with suppress(LogError):
            return reader.partitions(topic)
    return reader.partitions(topic)


async def of_redis(client: Redis) -> AsyncIterator[tuple[str, bytes]]:
    """Keys and contents, in clear: a dump may be compressed. Closes the client."""
    try:
        async for key in client.scan_iter(count=500):
            raw = [bytes(key), await client.dump(key) or b"", *await _values(client, key)]
            yield f"redis {bytes(key).decode(errors='replace').partition(':')[0]}", b"\n".join(raw)
    finally:
        await client.aclose()


async def _values(client: Redis, key: bytes) -> list[bytes]:
    match await client.type(key):
        case b"hash":
            return [part for pair in (await client.hgetall(key)).items() for part in pair]
        case b"string":
            return [await client.get(key) or b""]
        case b"zset":
            return list(await client.zrange(key, 0, -1))
        case b"set":
            return list(await client.smembers(key))
        case b"list":
            return list(await client.lrange(key, 0, -1))
    return []


async def of_clickhouse(stack: Stack) -> AsyncIterator[tuple[str, bytes]]:
    """Every row of every table."""
    client = await clickhouse_client(stack.settings)
    try:
        tables = await client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'"
        )
        for (name,) in tables.result_rows:
            rows = await client.query(f"SELECT * FROM `{name}`")
            for row in rows.result_rows:
                yield f"clickhouse {name}", "\n".join(map(str, row)).encode()
    finally:
        await client.close()


async def of_objects(stack: Stack) -> AsyncIterator[tuple[str, bytes]]:
    """Names and contents; of long ones (films) the first block, where a container keeps its texts."""
    async with ObjectStore(stack.settings) as objects:
        async for info in objects.list():
            with suppress(NoSuchObject):  # deleted at this moment
                content = await objects.get(info.key, 0, min(info.size, _BLOCK_BYTES)) if info.size else b""
                yield "object", info.key.encode() + b"\n" + content


def of_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Log files by their names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"file {path.name}", path.read_bytes()
