"""What a Widevine player's request says in clear: for which keys, whether to be kept, or for a certificate.

A message SignedMessage of protocol buffers. Nothing of the device is read: that is the licence server's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.drm.pssh import WIDEVINE, PsshError, parse

MOST_KIDS: Final = 64
_KID_BYTES: Final = 16
_LICENCE, _CERTIFICATE = 1, 4
_OFFLINE: Final = 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class NotWidevine(ValueError):
    """These bytes are no request of a Widevine player; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class WidevineRequest:
    """`kids` None: it names none, as renewals do."""

    wants_certificate: bool = False
    kids: tuple[str, ...] | None = None
    offline: bool = False


def read(challenge: bytes) -> WidevineRequest:
    """What is asked for. Raises NotWidevine."""
    outer = _fields(challenge)
    kind = _number(outer, 1)
    if kind == _CERTIFICATE:
        return WidevineRequest(wants_certificate=True)
    if kind != _LICENCE:
        raise _refused()
    content = _fields(_bytes(_fields(_bytes(outer, 2)), 2))
    if pssh := _one(content, 1):
        said = _fields(pssh)
        return _asked(_all(said, 1), _number(said, 2) == _OFFLINE)
    if init := _one(content, 4):
        said = _fields(init)
        return _asked([_bytes(said, 2)], _number(said, 3) == _OFFLINE)
    if _one(content, 3) is None:  # neither new nor for a licence that is there
        raise _refused()
    return WidevineRequest()


def _asked(datas: list[bytes], offline: bool) -> WidevineRequest:
    kids = [kid for data in datas for kid in _all(_fields(_unboxed(data)), 2)]
    if len(kids) > MOST_KIDS or any(len(kid) != _KID_BYTES for kid in kids):
        raise _refused()
    return WidevineRequest(kids=tuple(dict.fromkeys(kid.hex() for kid in kids)) or None, offline=offline)


def _unboxed(data: bytes) -> bytes:
    """The message WidevinePsshData, whether or not its box is around it."""
    if data[4:8] != b"pssh":
        return data
    try:
        return b"".join(box.data for box in parse(data) if box.system == WIDEVINE)
    except PsshError:
        raise _refused() from None


Fields = list[tuple[int, int | bytes]]


def _fields(message: bytes) -> Fields:
    """Number and value of each field, in order."""
    return list(_walk(message))


def _walk(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(message, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise _refused()
        if number == 0 or at + size > len(message):
            raise _refused()
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise _refused()
        byte, at = message[at], at + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _refused()


def _all(fields: Fields, number: int) -> list[bytes]:
    return [value for found, value in fields if found == number and isinstance(value, bytes)]


def _one(fields: Fields, number: int) -> bytes | None:
    found = _all(fields, number)
    return found[-1] if found else None


def _bytes(fields: Fields, number: int) -> bytes:
    found = _one(fields, number)
    if found is None:
        raise _refused()
    return found


def _number(fields: Fields, number: int) -> int:
    return next((value for found, value in fields if found == number and isinstance(value, int)), 0)


def _refused() -> NotWidevine:
    return NotWidevine("The body is no request of a Widevine player: send its message as it is.")
