"""Framing: 0x00, the schema id as four big-endian bytes, the Avro body (Confluent's format).

Decoding uses the writer's schema, found by id in `ids.lock`, then brings older versions up to the newest
in Python: an evolved reader schema halves fastavro's speed. Encoding is done by functions made of the
schemas, and by fastavro wherever these give up. This is the hot path of every agent.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Container, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

import fastavro
from fastavro.validation import validate

from schemas.errors import ContractError, EncodeError, WireError
from schemas.event import Event, Unread
from schemas.lock import LOCK_NAME, Locked, read_lock
from schemas.roots import first_id, schema_roots
from schemas.upcast import Upcast, upcast_of
from schemas.writers import Writer, writer_of

_BytesIO = io.BytesIO
_read: Callable[..., dict[str, Any]] = cast(Any, fastavro.schemaless_reader)
_write = fastavro.schemaless_writer
_new = Event.__new__
FRAME: Final = struct.Struct(">bI")


class Codec:
    """Encodes by type with the newest locked schema, decodes by id with the writer's."""

    def __init__(self, locked: Iterable[Locked]) -> None:
        """`locked` in order of id; of a type the last one is its newest version."""
        self.by_id: dict[int, Locked] = {}
        self.newest: dict[str, Locked] = {}
        for entry in locked:
            if entry.id in self.by_id:
                raise ContractError(
                    f"schema id {entry.id} is {self.by_id[entry.id].type} and {entry.type}: an extra schema "
                    "root's ids.lock must begin at 1000000; delete it and lock again"
                )
            self.by_id[entry.id] = entry
            self.newest[entry.type] = entry
        self._writers: dict[str, tuple[Writer, frozenset[str]]] = {}
        for name, entry in self.newest.items():
            write = writer_of(entry.schema, FRAME.pack(0, entry.id))
            if write is not None:
                self._writers[name] = write, _fields(entry)
        # frame -> (type, writer's schema, reader's schema or None, top-level upcast or None)
        self._readers: dict[bytes, tuple[str, Any, Any, Callable[[dict[str, Any]], None] | None]] = {}
        for entry in self.by_id.values():
            plan: Upcast = upcast_of(entry.schema, self.newest[entry.type].schema)
            reader = _parsed(self.newest[entry.type]) if plan.resolve else None
            self._readers[FRAME.pack(0, entry.id)] = (entry.type, _parsed(entry), reader, plan.apply)

    def encode(self, type_name: str, data: dict[str, Any]) -> bytes:
        """Framed bytes. Raises EncodeError for a type without schema, or data that does not fit it."""
        try:
            write, fields = self._writers[type_name]
            if fields.issuperset(data):
                return write(data)
        except Exception:
            return self._by_fastavro(type_name, data)
        return self._by_fastavro(type_name, data)

    def _by_fastavro(self, type_name: str, data: dict[str, Any]) -> bytes:
        """What a made function gave up: a value to convert, or one that fits nothing."""
        if type_name not in self.newest:
            raise EncodeError(
                f"{type_name} has no locked schema: write schemas/<domain>/<Event>.avsc, "
                "then run `kinolog check --fix`"
            )
        entry = self.newest[type_name]
        schema, out = _parsed(entry), _BytesIO()
        try:
            if not _fields(entry).issuperset(data):
                raise ValueError(f"unknown fields {sorted(set(data) - _fields(entry))}")
            out.write(FRAME.pack(0, entry.id))
            _write(out, schema, data)
        except Exception as error:
            raise _explained(type_name, schema, data, error) from error
        return out.getvalue()

    def decode(self, raw: bytes) -> tuple[str, dict[str, Any]]:
        """(type, data), in the newest version's fields. Raises WireError for anything else."""
        try:
            type_name, schema, reader, upcast = self._readers[raw[:5]]
            body = _BytesIO(raw)
            body.seek(5)
            data = _read(body, schema, reader)
        except Exception as error:
            raise self._refused(raw, error) from error
        if upcast is not None:
            upcast(data)
        return type_name, data

    def event(
        self,
        topic: str,
        partition: int,
        offset: int,
        at_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] | None,
    ) -> Event:
        """The event of a Kafka record's parts. Raises WireError. Headers are parsed when first asked for."""
        try:
            type_name, schema, reader, upcast = self._readers[value[:5]]  # type: ignore[index]
            body = _BytesIO(value)  # type: ignore[arg-type]
            body.seek(5)
            event = _new(Unread)
            event.data = data = _read(body, schema, reader)
            event.key = key.decode()  # type: ignore[union-attr]
        except Exception as error:
            raise self._refused(value, error) from error
        if upcast is not None:
            upcast(data)
        event.type = type_name
        event.topic = topic
        event.partition = partition
        event.offset = offset
        event.at_ms = at_ms
        event._headers = headers
        return event

    def events(
        self,
        topic: str,
        partition: int,
        records: Iterable[Any],
        parse: Callable[[Event], None] | None = Event.read_headers,
        types: Container[str] | None = None,
    ) -> tuple[list[Event], dict[int, Exception]]:
        """(events, offset -> why not) of many records of one partition: `event` without its call each time.

        A record has `offset`, `timestamp` (milliseconds), `key`, `value` and `headers`. `parse` reads those
        wanted at once; the others are read when first asked for, and an unreadable one raises WireError.
        With `types` all others are passed over, unread.
        """
        events: list[Event] = []
        refused: dict[int, Exception] = {}
        readers, add, new, read, body_of = self._readers, events.append, _new, _read, _BytesIO
        begun = Unread if parse is None else Event
        for record in records:
            value = record.value
            try:
                type_name, schema, reader, upcast = readers[value[:5]]
                if types is not None and type_name not in types:
                    continue
                body = body_of(value)
                body.seek(5)
                event = new(begun)
                event.data = data = read(body, schema, reader)
                event.key = record.key.decode()
                if upcast is not None:
                    upcast(data)
                event.type = type_name
                event._headers = record.headers
                if parse is not None:
                    parse(event)
            except WireError as error:
                refused[record.offset] = error
                continue
            except Exception as error:
                refused[record.offset] = self._refused(value, error)
                continue
            event.topic = topic
            event.partition = partition
            event.offset = record.offset
            event.at_ms = record.timestamp
            add(event)
        return events, refused

    def _refused(self, raw: bytes | None, error: Exception) -> WireError:
        if raw is None or len(raw) < 5 or raw[0] != 0:
            start = (raw or b"")[:5].hex()
            return WireError(f"not a framed event: expected 00 and four bytes of schema id, found '{start}'")
        schema_id = FRAME.unpack(raw[:5])[1]
        if schema_id not in self.by_id:
            return WireError(f"schema id {schema_id} is not in ids.lock: deploy the version that knows it")
        return WireError(f"{self.by_id[schema_id].type} (schema id {schema_id}) is not readable: {error!r}")


def load_codec(roots: Iterable[Path]) -> Codec:
    """A codec of every root's lock. Raises ContractError if a lock was edited.

    The lock alone counts at run time; that the `.avsc` files say the same is `kinolog check`'s business.
    """
    return Codec([entry for root in roots for entry in read_lock(root / LOCK_NAME, first_id(root))])


@lru_cache(maxsize=1)
def codec() -> Codec:
    """The process's codec: the packaged schemas and those of SCHEMA_ROOT. Read once."""
    return load_codec(schema_roots())


def encode(type_name: str, data: dict[str, Any]) -> bytes:
    """`codec().encode`: for places that are not hot."""
    return codec().encode(type_name, data)


def decode(raw: bytes) -> tuple[str, dict[str, Any]]:
    """`codec().decode`: for places that are not hot."""
    return codec().decode(raw)


def _explained(type_name: str, schema: Any, data: Any, error: Exception) -> EncodeError:
    detail = str(error)
    try:
        validate(data, schema, raise_errors=True)
    except Exception as invalid:
        detail = str(invalid)
    return EncodeError(f"data does not fit {type_name}: {detail}")


def _fields(entry: Locked) -> frozenset[str]:
    return frozenset(f["name"] for f in entry.schema["fields"])


def _parsed(entry: Locked) -> Any:
    return fastavro.parse_schema(entry.schema, named_schemas={})
