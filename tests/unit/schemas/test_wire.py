"""Framing: what goes in comes out, by any version; what is wrong says so."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ContractError, EncodeError, WireError
from schemas.lock import LOCK_NAME, read_lock
from schemas.wire import FRAME, Codec, codec, decode, encode
from tests.unit.schemas.support import field, lock, put, record

NESTED = record(
    "Made",
    field("id", "string"),
    field("at_ms", "long"),
    field("share", "double"),
    field("raw", "bytes"),
    field("note", ["null", "string"], default=None),
    field("sizes", {"type": "array", "items": {"type": "map", "values": "int"}}),
    field("kind", {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}),
    field("part", {"type": "record", "name": "Part", "doc": "A part.", "fields": [field("n", "int")]}),
)
INTS = st.integers(-(2**31), 2**31 - 1)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Codec:
    root = tmp_path_factory.mktemp("root")
    put(root, NESTED)
    return Codec(read_lock(lock(root)))


@given(
    data=st.fixed_dictionaries(
        {
            "id": st.text(),
            "at_ms": st.integers(-(2**63), 2**63 - 1),
            "share": st.floats(allow_nan=False),
            "raw": st.binary(),
            "note": st.none() | st.text(),
            "sizes": st.lists(st.dictionaries(st.text(), INTS, max_size=3), max_size=3),
            "kind": st.sampled_from(["A", "B"]),
            "part": st.fixed_dictionaries({"n": INTS}),
        }
    )
)
def test_round_trip(demo: Codec, data: dict[str, Any]) -> None:
    raw = demo.encode("kinolog.demo.Made", data)
    assert raw[0] == 0
    assert FRAME.unpack(raw[:5]) == (0, demo.newest["kinolog.demo.Made"].id)
    assert demo.decode(raw) == ("kinolog.demo.Made", data)


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    with suppress(WireError):
        decode(raw)


@given(st.binary(max_size=60), st.sampled_from(sorted(codec().by_id)))
def test_a_known_frame_with_any_body_is_decoded_or_refused(body: bytes, schema_id: int) -> None:
    with suppress(WireError):
        assert decode(FRAME.pack(0, schema_id) + body)[0] == codec().by_id[schema_id].type


def test_a_confluent_reader_reads_our_frame() -> None:
    raw = encode("kinolog.engine.TimerCancelled", {"timer_id": "t"})
    entry = codec().by_id[int.from_bytes(raw[1:5], "big")]
    assert fastavro.schemaless_reader(io.BytesIO(raw[5:]), entry.schema) == {"timer_id": "t"}


@pytest.mark.parametrize(
    ("type_name", "data", "says"),
    [
        ("kinolog.engine.Nothing", {}, "no locked schema"),
        ("kinolog.engine.TimerCancelled", {}, "timer_id"),
        ("kinolog.engine.TimerCancelled", {"timer_id": 5}, "timer_id"),
        ("kinolog.engine.TimerCancelled", {"timer_id": "t", "color": "red"}, "color"),
    ],
)
def test_data_that_does_not_fit_names_type_and_field(type_name: str, data: dict[str, Any], says: str) -> None:
    with pytest.raises(EncodeError, match=says) as caught:
        encode(type_name, data)
    assert type_name in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "says"),
    [(b"", "framed"), (b"{}", "framed"), (b"\x01\0\0\0\1abc", "framed"), (FRAME.pack(0, 99999), "99999")],
)
def test_foreign_bytes_are_refused(raw: bytes, says: str) -> None:
    with pytest.raises(WireError, match=says):
        decode(raw)


def _versions(root: Path, *schemas: dict[str, Any]) -> Codec:
    for schema in schemas:
        put(root, schema)
        lock(root)
    return Codec(read_lock(root / LOCK_NAME))


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        # added with defaults: in Python
        (
            [field("a", "int")],
            [field("a", "int"), field("b", "string", default="x")],
            {"a": 1},
            {"a": 1, "b": "x"},
        ),
        (
            [field("a", "int")],
            [field("a", "int"), field("b", {"type": "array", "items": "int"}, default=[])],
            {"a": 1},
            {"a": 1, "b": []},
        ),
        # gone: in Python
        ([field("a", "int"), field("b", "int")], [field("a", "int")], {"a": 1, "b": 2}, {"a": 1}),
        # changed types, renames: by Avro's resolution
        ([field("a", "int")], [field("a", "double")], {"a": 1}, {"a": 1.0}),
        ([field("a", "int")], [field("a", ["null", "int"])], {"a": 1}, {"a": 1}),
        ([field("a", "int")], [field("z", "int", aliases=["a"])], {"a": 1}, {"z": 1}),
    ],
)
def test_an_older_version_reads_as_the_newest(
    tmp_path: Path,
    old: list[dict[str, Any]],
    new: list[dict[str, Any]],
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    first = _versions(tmp_path, record("Made", *old))
    raw = first.encode("kinolog.demo.Made", before)
    both = _versions(tmp_path, record("Made", *new))
    assert both.decode(raw) == ("kinolog.demo.Made", after)
    event = both.event("demo.made.events", 0, 1, 2, b"k", raw, None)
    assert event.data == after


def test_defaults_are_not_shared_between_events(tmp_path: Path) -> None:
    first = _versions(tmp_path, record("Made", field("a", "int")))
    raw = first.encode("kinolog.demo.Made", {"a": 1})
    grown = field("b", {"type": "array", "items": "int"}, default=[])
    both = _versions(tmp_path, record("Made", field("a", "int"), grown))
    both.decode(raw)[1]["b"].append(1)
    assert both.decode(raw)[1]["b"] == []


def test_two_roots_with_the_same_id_are_refused(tmp_path: Path) -> None:
    put(tmp_path, record("Made", field("a", "int")))
    locked = read_lock(lock(tmp_path))
    with pytest.raises(ContractError, match="1000000"):
        Codec([*codec().by_id.values(), *locked])


def test_an_extra_root_joins_the_packaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, record("Made", field("a", "int")))
    lock(tmp_path, first_id=1_000_000)
    monkeypatch.setenv("SCHEMA_ROOT", str(tmp_path))
    codec.cache_clear()
    try:
        assert decode(encode("kinolog.demo.Made", {"a": 3})) == ("kinolog.demo.Made", {"a": 3})
        assert (tmp_path / LOCK_NAME).read_text().startswith('{"id":1000000')
        encode("kinolog.engine.TimerCancelled", {"timer_id": "t"})
    finally:
        codec.cache_clear()
