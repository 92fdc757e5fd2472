"""Faults to plant into a served presentation: each takes the files and gives files with one thing wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.judges.site import Files

Fault = Callable[[Files], Files]


def one(files: Files, pattern: str) -> str:
    """The path that matches; a pattern that fits none or several is the test's own mistake."""
    found = [path for path in files if re.fullmatch(pattern, path)]
    if len(found) != 1:
        raise LookupError(f"{pattern!r} fits {len(found)} of {sorted(files)}")
    return found[0]


def edited(pattern: str, old: str, new: str) -> Fault:
    """Replace the first match of a regular expression in one text file."""

    def plant(files: Files) -> Files:
        path = one(files, pattern)
        text, count = re.subn(old, new, files[path].decode(), count=1)
        if count == 0:
            raise LookupError(f"{old!r} is not in {path}; the fault would plant nothing")
        return {**files, path: text.encode()}

    return plant


def removed(pattern: str) -> Fault:
    def plant(files: Files) -> Files:
        gone = one(files, pattern)
        return {path: body for path, body in files.items() if path != gone}

    return plant


def swapped(first: str, second: str) -> Fault:
    """Two objects under each other's name."""

    def plant(files: Files) -> Files:
        one_path, other_path = one(files, first), one(files, second)
        return {**files, one_path: files[other_path], other_path: files[one_path]}

    return plant


def cut_short(pattern: str, bytes_lost: int) -> Fault:
    def plant(files: Files) -> Files:
        path = one(files, pattern)
        return {**files, path: files[path][:-bytes_lost]}

    return plant


def shifted(pattern: str, ticks: int) -> Fault:
    """Decode times of every matching segment later by `ticks` of its timescale."""

    def plant(files: Files) -> Files:
        changed = {path: _later(body, ticks) for path, body in files.items() if re.fullmatch(pattern, path)}
        if not changed:
            raise LookupError(f"{pattern!r} fits none of {sorted(files)}")
        return {**files, **changed}

    return plant


def _later(segment: bytes, ticks: int) -> bytes:
    """Add to the baseMediaDecodeTime of each tfdt box (a full box of version 0 or 1)."""
    out, at = bytearray(segment), segment.find(b"tfdt")
    while at >= 0:
        size = 8 if segment[at + 4] == 1 else 4
        value = int.from_bytes(segment[at + 8 : at + 8 + size], "big") + ticks
        out[at + 8 : at + 8 + size] = value.to_bytes(size, "big")
        at = segment.find(b"tfdt", at + 4)
    return bytes(out)


def without_idr(pattern: str) -> Fault:
    """The IDR slices of a segment relabelled as ordinary ones; all sizes and times stay right."""

    def plant(files: Files) -> Files:
        path = one(files, pattern)
        body = bytearray(files[path])
        at = body.find(b"mdat") + 4
        while at + 4 < len(body):
            length = int.from_bytes(body[at : at + 4], "big")
            if body[at + 4] & 31 == 5:
                body[at + 4] = body[at + 4] & ~31 | 1
            at += 4 + length
        return {**files, path: bytes(body)}

    return plant
