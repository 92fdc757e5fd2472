"""Sets of time: sorted disjoint ranges in one flat list [from, to, from, to ...]. Pure.

Adding a range is a union, so the order in which ranges come, and that some come twice, changes nothing. What
does not fit any more is left out and said: which ranges those are does depend on the order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

Spans = list[int]

MOST_NUMBERS: Final = 2000  # of one set: 1,000 ranges; what is apart from them all is then left out


def add(spans: Spans, begin: int, end: int) -> bool:
    """Unite with [begin, end); an empty one adds nothing. False: there was no room for it."""
    if end <= begin:
        return True
    if not spans or begin > spans[-1]:
        if len(spans) >= MOST_NUMBERS:
            return False
        spans += (begin, end)
        return True
    if begin >= spans[-2]:  # what goes on where it was: nearly always
        if end > spans[-1]:
            spans[-1] = end
        return True
    left, right = bisect_left(spans, begin), bisect_right(spans, end)
    # At an even place a number begins a range: the new one's own ends count there, else they are within one.
    edges = ([begin] if left % 2 == 0 else []) + ([end] if right % 2 == 0 else [])
    if left == right and edges and len(spans) >= MOST_NUMBERS:
        return False
    spans[left:right] = edges
    return True


def length(spans: Spans, most: int | None = None) -> int:
    """Sum of the ranges; of what lies below `most` alone, if that is given."""
    if most is None:
        return sum(spans[1::2]) - sum(spans[::2])
    return sum(max(0, min(end, most) - begin) for begin, end in zip(spans[::2], spans[1::2], strict=True))


def changes(spans: Spans, unit: int) -> dict[str, int]:
    """As changes at whole units, each end rounded to the nearest: running sums are 0 or 1."""
    found: dict[str, int] = {}
    for begin, end in zip(spans[::2], spans[1::2], strict=True):
        change(found, (begin + unit // 2) // unit, (end + unit // 2) // unit)
    return found


def touched(spans: Spans, unit: int, shift: int, least: int, most: int) -> dict[str, int]:
    """Changes at the units that a range, moved by `shift`, has any part of; each counts once.

    What lies outside of `least` to `most` then is left out.
    """
    whole: Spans = []
    for begin, end in zip(spans[::2], spans[1::2], strict=True):
        first, last = max(begin + shift, least), min(end + shift, most)
        if first < last:
            add(whole, first // unit, (last - 1) // unit + 1)
    return changes(whole, 1)


def change(found: dict[str, int], begin: int, end: int) -> None:
    """One more from `begin` on, one less from `end` on; what cancels goes. Keys are decimal, for JSON."""
    if begin == end:
        return
    first, last = str(begin), str(end)
    more = found.pop(first, 0) + 1
    if more:
        found[first] = more
    less = found.pop(last, 0) - 1
    if less:
        found[last] = less
