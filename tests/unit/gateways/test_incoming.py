"""What WebSocket clients send, in whatever pieces it comes; and what ends a connection."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.core.incoming import (
    BINARY,
    BROKEN,
    CLOSE,
    MORE,
    PING,
    PONG,
    TEXT,
    TOO_LARGE,
    FrameError,
    Incoming,
    unmasked,
)

KEY = b"\x01\xfe\x00\x7f"
MOST_BYTES = 70_000


def frame(kind: int, payload: bytes, *, final: bool = True, key: bytes | None = KEY) -> bytes:
    """A frame as a client sends it."""
    size, masked = len(payload), 0x80 if key is not None else 0
    if size < 126:
        head = bytes((masked | size,))
    elif size < 65_536:
        head = bytes((masked | 126,)) + size.to_bytes(2, "big")
    else:
        head = bytes((masked | 127,)) + size.to_bytes(8, "big")
    body = payload
    if key is not None:
        body = key + bytes(a ^ b for a, b in zip(payload, itertools.cycle(key), strict=False))
    return bytes((0x80 * final | kind,)) + head + body


controls = st.tuples(st.sampled_from((PING, PONG, CLOSE)), st.binary(max_size=125))
messages = st.tuples(
    st.sampled_from((TEXT, BINARY)), st.lists(st.binary(max_size=300), min_size=1, max_size=4)
)


@given(st.lists(st.tuples(messages, st.lists(controls, max_size=2)), max_size=5), st.data())
def test_messages_come_out_whole_whatever_pieces_they_come_in(
    said: list[tuple[tuple[int, list[bytes]], list[tuple[int, bytes]]]], data: st.DataObject
) -> None:
    sent: bytes = b""
    expected: list[tuple[int, bytes]] = []
    for (kind, (first, *rest)), between in said:
        sent += frame(kind, first, final=not rest)
        if not rest:
            expected.append((kind, first))
        sent += b"".join(frame(*control) for control in between)  # they may come between a message's parts
        expected += between
        sent += b"".join(frame(MORE, part, final=False) for part in rest[:-1])
        if rest:
            sent += frame(MORE, rest[-1])
            expected.append((kind, b"".join((first, *rest))))
    incoming, at = Incoming(MOST_BYTES), 0
    found: list[tuple[int, bytes]] = []
    while at < len(sent):
        piece = data.draw(st.integers(1, 400))
        found += incoming.feed(sent[at : at + piece])
        at += piece
    assert found == expected


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, MOST_BYTES])
def test_every_length_is_read(size: int) -> None:
    payload = bytes(n % 251 for n in range(size))
    assert list(Incoming(MOST_BYTES).feed(frame(BINARY, payload))) == [(BINARY, payload)]


def test_masking_is_its_own_way_back() -> None:
    for size in range(9):
        payload = bytes(range(size))
        assert unmasked(KEY, unmasked(KEY, payload)) == payload


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"in clear", key=None), BROKEN),
        (bytes((0xC1, 0x80)) + KEY, BROKEN),  # a reserved bit: compressed, which nobody agreed to
        (frame(3, b""), BROKEN),
        (frame(0xB, b""), BROKEN),
        (frame(MORE, b"of nothing"), BROKEN),
        (frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), BROKEN),
        (frame(PING, b"", final=False), BROKEN),
        (frame(PING, b"x" * 126), BROKEN),
        (frame(TEXT, b"x" * (MOST_BYTES + 1))[:10], TOO_LARGE),  # by its head alone
        (bytes((0x81, 0xFF)) + b"\xff" * 8, TOO_LARGE),
        (frame(TEXT, b"x" * MOST_BYTES, final=False) + frame(MORE, b"y"), TOO_LARGE),
    ],
)
def test_what_breaks_the_protocol_ends_it_after_what_was_good(sent: bytes, code: int) -> None:
    incoming = Incoming(MOST_BYTES).feed(frame(TEXT, b"good") + sent)
    assert next(incoming) == (TEXT, b"good")
    with pytest.raises(FrameError) as error:
        list(incoming)
    assert error.value.code == code
