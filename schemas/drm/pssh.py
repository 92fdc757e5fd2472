"""Boxes of type `pssh` (ISO/IEC 23001-7): what a protection system needs to ask for keys, in a film's head.

Key ids (KIDs) are 32 hexadecimal digits here and in all modules beside this one.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

COMMON: Final = "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b"
WIDEVINE: Final = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"
PLAYREADY: Final = "9a04f079-9840-4286-ab92-e65be0885f95"
FAIRPLAY: Final = "94ce86fb-07ff-4f43-adb8-93d2fa968ca2"
CLEAR_KEY: Final = "e2719d58-a985-b3c9-781a-b030af78d30e"

_BOX: Final = struct.Struct(">I4sI16s")  # size, type, version and flags, system
_COUNT: Final = struct.Struct(">I")
_KID_BYTES: Final = 16


class PsshError(ValueError):
    """These bytes are no whole `pssh` boxes."""


@dataclass(frozen=True, slots=True)
class Pssh:
    """One box. `system` is a UUID as text; `kids` is None in version 0, which lists none."""

    system: str
    data: bytes
    kids: tuple[str, ...] | None = None


def build(box: Pssh) -> bytes:
    """The bytes of a box: version 1 if it lists KIDs, else 0."""
    listed = b""
    if box.kids is not None:
        listed = _COUNT.pack(len(box.kids)) + b"".join(bytes.fromhex(kid) for kid in box.kids)
    body = listed + _COUNT.pack(len(box.data)) + box.data
    version = 0 if box.kids is None else 1
    return _BOX.pack(_BOX.size + len(body), b"pssh", version << 24, uuid.UUID(box.system).bytes) + body


def parse(boxes: bytes) -> Iterator[Pssh]:
    """The boxes that stand one after another. Raises PsshError where one is cut, or is something else."""
    while boxes:
        if len(boxes) < _BOX.size + _COUNT.size:
            raise PsshError(f"{len(boxes)} bytes are left: too few for a pssh box.")
        size, kind, version_flags, system = _BOX.unpack_from(boxes)
        if (
            kind != b"pssh"
            or not _BOX.size + _COUNT.size <= size <= len(boxes)
            or version_flags not in (0, 1 << 24)
        ):
            raise PsshError("A box that is cut, of another type, or of a version that is unknown.")
        yield _body(str(uuid.UUID(bytes=system)), version_flags >> 24, boxes[_BOX.size : size])
        boxes = boxes[size:]


def common(kids: Iterable[str]) -> bytes:
    """The common box (version 1), which any system can read: the KIDs in their order, nothing else."""
    return build(Pssh(COMMON, b"", tuple(kids)))


def _body(system: str, version: int, body: bytes) -> Pssh:
    kids: Sequence[str] | None = None
    if version == 1:
        end = _COUNT.size + _COUNT.unpack_from(body)[0] * _KID_BYTES
        if end + _COUNT.size > len(body):
            raise PsshError("A pssh box lists more KIDs than it holds.")
        kids = [body[at : at + _KID_BYTES].hex() for at in range(_COUNT.size, end, _KID_BYTES)]
        body = body[end:]
    data = body[_COUNT.size :]
    if _COUNT.unpack_from(body)[0] != len(data):
        raise PsshError("A pssh box says another length of its data than it has.")
    return Pssh(system, data, None if kids is None else tuple(kids))
