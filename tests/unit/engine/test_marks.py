"""Repeats by `src`: a sequence that is emitted again from any earlier place is applied once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.engine.marks import Marks


def test_what_is_not_above_the_mark_is_a_repeat() -> None:
    marks = Marks({b"a|t|0": 10})
    assert [marks.is_repeat(("a|t|0", p)) for p in (9, 10, 11, 11, 12)] == [True, True, False, True, False]
    assert marks.moved == {b"a|t|0": 12}


def test_origins_are_independent() -> None:
    marks = Marks({b"a|t|0": 10})
    assert not marks.is_repeat(("a|t|1", 3))
    assert not marks.is_repeat(("b|t|0", 0))


@given(
    st.lists(st.integers(0, 20), max_size=6),
    st.lists(st.integers(1, 8), max_size=8),
)
def test_lives_that_begin_again_add_nothing(restarts: list[int], borders: list[int]) -> None:
    """Each life emits 0..20 from some earlier place on; chunk borders fall anywhere."""
    emitted = [p for begin in [0, *restarts] for p in range(min(begin, 20), 21)]
    # A life begins where it believes the fence to be: never beyond what was emitted before it.
    stored: dict[bytes, int] = {}
    applied: list[int] = []
    at = 0
    for size in [*borders, len(emitted)]:
        marks = Marks(stored)
        applied += [p for p in emitted[at : at + size] if not marks.is_repeat(("a|t|0", p))]
        stored |= marks.moved
        at += size
    assert applied == list(range(21))
