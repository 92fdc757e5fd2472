"""Avro writers made of their schema: one flat Python function per event type.

fastavro looks at the schema again for every field of every event; a function that has looked once takes
half the time. It knows plain values only and raises on everything else, so that `Codec.encode` can ask
fastavro, whose bytes are the rule: what a function here returns is equal to them
(`tests/unit/schemas/test_writers.py` holds it to that for every schema of the lock). Reading stays with
fastavro: it meets bytes of others.

The function of a record with a string `user` and an optional long `n`:

    def write(v):
        v1 = v["user"].encode()
        v2 = v.get("n", None)
        if v2 is None:
            v2 = ABSENT
        else:
            if v2.__class__ is not int: raise TypeError
            v2 = join((PRESENT, SMALL[v2] if -1 < v2 < 8192 else long(v2)))
        return join((FRAME, SMALL[len(v1)] if len(v1) < 8192 else long(len(v1)), v1, v2))
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

Writer = Callable[[dict[str, Any]], bytes]
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def long(n: int) -> bytes:
    """Avro's zigzag varint. Raises OverflowError beyond 64 bits, TypeError for no integer."""
    if not _LEAST <= n <= _MOST:
        raise OverflowError(n)
    rest = n << 1 if n >= 0 else ~(n << 1)
    out = b""
    while rest > _PAIR:  # two bytes a step: most are times in milliseconds, of six
        out += _MORE[rest & _PAIR]
        rest >>= 14
    return out + _LAST[rest]


_PAIR: Final = (1 << 14) - 1
_MORE: Final = [bytes((n & 0x7F | 0x80, n >> 7 | 0x80)) for n in range(_PAIR + 1)]
_LAST: Final = [bytes((n,)) if n < 0x80 else bytes((n & 0x7F | 0x80, n >> 7)) for n in range(_PAIR + 1)]
SMALL: Final = _LAST[::2]  # of 0, 1, 2 ...: lengths and counts


def writer_of(schema: dict[str, Any], frame: bytes) -> Writer | None:
    """A function from data to `frame` and body; None for a schema with more than plain types."""
    source = _Source()
    try:
        pieces = source.value(schema, "v", 1, False)
    except _NotPlain:
        return None
    text = "\n".join(["def write(v):", *source.lines, f"    return join((FRAME, {', '.join(pieces)},))"])
    names: dict[str, Any] = {
        "ABSENT": b"\0", "PRESENT": b"\2", "FALSE": b"\0", "TRUE": b"\1", "FRAME": frame, "SMALL": SMALL,
        "double": struct.Struct("<d").pack, "join": b"".join, "long": long, **source.symbols,
    }  # fmt: skip
    exec(compile(text, f"<writer of {schema['name']}>", "exec"), names)  # noqa: S102  # of the lock's schemas
    writer: Writer = names["write"]
    return writer


class _NotPlain(Exception):
    """A type that is left to fastavro."""


class _Source:
    """The statements of a writer; each `value` adds what comes before its pieces can be joined."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.symbols: dict[str, dict[str, bytes]] = {}  # of each enum
        self._names = 0

    def value(self, schema: Any, v: str, depth: int, exact: bool) -> list[str]:
        """Expressions whose bytes, joined, are the variable `v` written with `schema`.

        `exact`: below a union fastavro refuses values that it would convert elsewhere; so do we.
        """
        if isinstance(schema, list):
            return self._optional(schema, v, depth)
        kind = schema["type"] if isinstance(schema, dict) else schema
        if isinstance(schema, dict) and "logicalType" in schema:
            raise _NotPlain
        match kind:
            case "string":
                self._line(depth, f"{v} = {v}.encode()")
                return [_number(f"len({v})"), v]
            case "int" | "long":
                self._only("int", v, depth, exact)
                if exact and kind == "int":
                    self._line(depth, f"if not {-(1 << 31)} <= {v} < {1 << 31}: raise OverflowError")
                return [_number(v)]
            case "boolean":
                self._only("bool", v, depth, exact)
                return [f"TRUE if {v} else FALSE"]
            case "double":
                self._only("float", v, depth, exact)
                return [f"double({v})"]
            case "record":
                self._only("dict", v, depth, True)
                return [piece for f in schema["fields"] for piece in self._field(f, v, depth, exact)]
            case "enum":
                known = f"SYMBOLS{len(self.symbols)}"
                self.symbols[known] = {symbol: SMALL[i] for i, symbol in enumerate(schema["symbols"])}
                return [f"{known}[{v}]"]
            case "array" | "map":
                return self._block(schema, v, depth, exact)
            case _:
                raise _NotPlain

    def _field(self, field: dict[str, Any], v: str, depth: int, exact: bool) -> list[str]:
        name, own = repr(field["name"]), self._name()
        got = f".get({name}, {field['default']!r})" if "default" in field else f"[{name}]"
        self._line(depth, f"{own} = {v}{got}")
        return self.value(field["type"], own, depth, exact)

    def _optional(self, branches: list[Any], v: str, depth: int) -> list[str]:
        if len(branches) != 2 or branches[0] != "null" or branches[1] == "null":
            raise _NotPlain
        self._line(depth, f"if {v} is None: {v} = ABSENT")
        self._line(depth, "else:")
        pieces = self.value(branches[1], v, depth + 1, True)
        self._line(depth + 1, f"{v} = join((PRESENT, {', '.join(pieces)},))")
        return [v]

    def _block(self, schema: dict[str, Any], v: str, depth: int, exact: bool) -> list[str]:
        """Arrays and maps: one counted block, then an empty one."""
        items, key, parts = self._name(), self._name(), self._name()
        is_map = schema["type"] == "map"
        self._only("dict" if is_map else "list", v, depth, True)
        self._line(depth, f"{parts} = [{_number(f'len({v})')}] if {v} else []")
        self._line(depth, f"for {key}, {items} in {v}.items():" if is_map else f"for {items} in {v}:")
        pieces = self.value("string", key, depth + 1, exact) if is_map else []
        pieces += self.value(schema["values" if is_map else "items"], items, depth + 1, exact)
        self._line(depth + 1, f"{parts} += ({', '.join(pieces)},)")
        return [f"join({parts})", "ABSENT"]

    def _only(self, kind: str, v: str, depth: int, exact: bool) -> None:
        if exact:
            self._line(depth, f"if {v}.__class__ is not {kind}: raise TypeError")

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def _name(self) -> str:
        self._names += 1
        return f"v{self._names}"


def _number(n: str) -> str:
    return f"SMALL[{n}] if -1 < {n} < {len(SMALL)} else long({n})"
