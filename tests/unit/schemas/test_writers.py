"""The made writers are fastavro's equal, byte by byte: for every schema of the lock, for any data."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.wire import codec
from schemas.writers import long, writer_of
from tests.unit.schemas.support import field, record

TYPES = sorted(codec().newest)
ODD = st.sampled_from(
    [None, True, 5, -1, 2**31, 2**63, 2**64, 1.5, "s", "\ud800", b"b", [], {}, [None], {"a": 1}, ("x", 1)]
)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False),
    "string": st.text(max_size=20),
}
EVERYTHING = record(
    "Everything",
    field("flag", "boolean"),
    field("number", "long", default=7),
    field("share", "double"),
    field("kind", {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}),
    field("other", ["null", {"type": "enum", "name": "Other", "symbols": ["A"]}]),
    field("tags", {"type": "map", "values": {"type": "array", "items": "string"}}),
    field("part", ["null", record("Part", field("n", "int"), field("s", "string"))]),
    field("shares", {"type": "array", "items": ["null", "double"]}, default=[]),
    field("sizes", ["null", {"type": "map", "values": "long"}], default=None),
)  # fmt: skip


def of(schema: Any, odd: bool) -> st.SearchStrategy[Any]:
    """Data for a schema; `odd`: with values here and there that may not fit."""
    if isinstance(schema, list):
        made = st.one_of([of(branch, odd) for branch in schema])
    elif isinstance(schema, str):
        made = PLAIN[schema]
    elif schema["type"] == "enum":
        made = st.sampled_from(schema["symbols"])
    elif schema["type"] == "array":
        made = st.lists(of(schema["items"], odd), max_size=3)
    elif schema["type"] == "map":
        made = st.dictionaries(PLAIN["string"], of(schema["values"], odd), max_size=3)
    elif schema["type"] == "record":
        fields = {f["name"]: of(f["type"], odd) for f in schema["fields"]}
        optional = {f["name"] for f in schema["fields"] if odd or "default" in f}
        made = st.fixed_dictionaries(
            {name: value for name, value in fields.items() if name not in optional},
            optional={name: fields[name] for name in sorted(optional)},
        )
    else:
        made = of(schema["type"], odd)
    return made | ODD if odd and not (isinstance(schema, dict) and schema["type"] == "record") else made


def by_fastavro(schema: Any, data: Any) -> bytes:
    out = io.BytesIO()
    out.write(b"frame")
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema, named_schemas={}), data)
    return out.getvalue()


def test_every_schema_of_the_lock_has_a_made_writer() -> None:
    assert [t for t in TYPES if writer_of(codec().newest[t].schema, b"") is None] == []


SCHEMAS = [*(codec().newest[t].schema for t in TYPES), EVERYTHING]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["name"])
def test_written_as_fastavro_writes_it_or_given_up(schema: dict[str, Any]) -> None:
    write = writer_of(schema, b"frame")
    assert write is not None

    @settings(max_examples=200 if schema is EVERYTHING else 10)
    @given(of(schema, odd=False), of(schema, odd=True))
    def equal(fits: dict[str, Any], may_not_fit: dict[str, Any]) -> None:
        assert write(fits) == by_fastavro(schema, fits)
        try:
            made = write(may_not_fit)
        except Exception:
            return
        assert made == by_fastavro(schema, may_not_fit)

    equal()


@given(PLAIN["long"])
@example(-(2**63))
@example(2**63 - 1)
def test_any_long(n: int) -> None:
    assert b"frame" + long(n) == by_fastavro("long", n)


@pytest.mark.parametrize("n", [2**63, -(2**63) - 1])
def test_no_more_than_64_bits(n: int) -> None:
    with pytest.raises(OverflowError):
        long(n)


@pytest.mark.parametrize(
    "kind",
    [
        "bytes",
        ["string", "null"],
        ["null", "int", "string"],
        {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "fixed", "name": "Hash", "size": 2},
    ],
)
def test_what_is_not_plain_is_left_to_fastavro(kind: Any) -> None:
    assert writer_of(record("Odd", field("x", kind)), b"frame") is None
