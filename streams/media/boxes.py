"""Reading ISO base media files: top-level boxes, fragments, decode times, codec strings.

The encoder's own output is read here, and nothing else: the input of users never is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple


class Box(NamedTuple):
    """A box: its four-character type and its whole bytes, header included."""

    kind: bytes
    data: bytes

    @property
    def payload(self) -> bytes:
        return self.data[16:] if self.data[:4] == b"\0\0\0\1" else self.data[8:]


class Fragments(NamedTuple):
    """A fragmented file taken apart: `ftyp`+`moov`, then one `moof`+`mdat` a fragment."""

    init: bytes
    segments: list[bytes]


def boxes(data: bytes) -> Iterator[Box]:
    """The boxes that lie one after another in `data`; ValueError on a box that does not fit."""
    offset = 0
    while offset < len(data):
        if offset + 8 > len(data):
            raise ValueError(f"{len(data) - offset} bytes after the last box; a box header takes 8")
        size, kind = struct.unpack_from(">I4s", data, offset)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, offset + 8)
        elif size == 0:
            size = len(data) - offset
        if size < 8 or offset + size > len(data):
            raise ValueError(f"box {kind!r} at {offset} says {size} bytes, {len(data) - offset} are there")
        yield Box(kind, data[offset : offset + size])
        offset += size


def split(data: bytes) -> Fragments:
    """Take a fragmented file apart into its init segment and its media segments."""
    init: list[bytes] = []
    segments: list[bytes] = []
    head = b""
    for box in boxes(data):
        if box.kind in (b"ftyp", b"moov"):
            init.append(box.data)
        elif box.kind == b"moof":
            head = box.data
        elif box.kind == b"mdat" and head:
            segments.append(head + box.data)
            head = b""
    return Fragments(b"".join(init), segments)


def find(data: bytes, *path: bytes) -> bytes:
    """Payload of the first box at a path such as `moof`, `traf`, `tfdt`; KeyError when there is none."""
    for kind in path:
        for box in boxes(data):
            if box.kind == kind:
                data = box.payload
                break
        else:
            raise KeyError(f"no {kind.decode()} box on the path {b'/'.join(path).decode()}")
    return data


def decode_time(segment: bytes) -> int:
    """`baseMediaDecodeTime` of a segment's first track fragment, in units of its timescale."""
    payload = find(segment, b"moof", b"traf", b"tfdt")
    return int(struct.unpack_from(">Q" if payload[0] else ">I", payload, 4)[0])


def codecs_of(init: bytes) -> str:
    """RFC 6381 string of an init segment's first track: `avc1.PPCCLL` or `mp4a.40.2`."""
    entry_kind, entry = _sample_entry(init)
    if entry_kind in (b"avc1", b"avc3"):
        avcc = find(entry[78:], b"avcC")
        return f"{entry_kind.decode()}.{avcc[1]:02x}{avcc[2]:02x}{avcc[3]:02x}"
    if entry_kind == b"mp4a":
        return "mp4a.40.2"
    raise ValueError(f"no codecs string known for sample entry {entry_kind!r}; expected avc1 or mp4a")


def _sample_entry(init: bytes) -> tuple[bytes, bytes]:
    stsd = find(init, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    entry = next(boxes(stsd[8:]))
    return entry.kind, entry.payload
