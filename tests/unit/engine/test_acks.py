"""The committable position, whatever the order of acknowledgements."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.engine.acks import Acks


def test_nothing_delivered_nothing_to_commit() -> None:
    assert Acks().position is None


def test_an_open_chunk_holds_the_position() -> None:
    acks = Acks()
    acks.delivered(5, 10)
    acks.delivered(10, 12)
    acks.acked(10)
    assert (acks.position, acks.open_chunks) == (5, 1)
    acks.acked(5)
    assert (acks.position, acks.open_chunks) == (12, 0)


def test_gaps_of_the_log_do_not_matter() -> None:
    acks = Acks()
    acks.delivered(5, 6)
    acks.delivered(90, 101)
    acks.acked(5)
    assert acks.position == 90


def test_an_unknown_chunk_is_ignored() -> None:
    acks = Acks()
    acks.delivered(5, 6)
    acks.acked(4)
    acks.acked(7)
    assert acks.position == 5


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_position_never_passes_an_unacknowledged_record(sizes: list[int], rng: object) -> None:
    acks, begins, at = Acks(), [], 0
    for size in sizes:
        begins.append((at, at + size))
        acks.delivered(at, at + size)
        at += size
    order = list(begins)
    rng.shuffle(order)  # type: ignore[attr-defined]
    open_chunks = set(begins)
    last = 0
    for first, until in order:
        acks.acked(first)
        open_chunks.discard((first, until))
        position = acks.position
        assert position == (min(open_chunks)[0] if open_chunks else at)
        assert position >= last
        last = position
