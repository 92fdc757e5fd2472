"""Which beats of a session are known, as runs of consecutive numbers. Pure.

Between two beats of consecutive numbers nothing can come any more: what lies between them is added to the
session's sums at once, and the beats inside a run are forgotten. What lies in the gap between two runs is not
added until the gap is closed: `with_gaps` says what it would be.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Any

from streams.analytics.state import MOST_RUNS, Beat, Sums
from streams.analytics.steps import GAP_MS, KNOWN_MS, add_step

Runs = list[list[Any]]


def _first_sn(run: list[Any]) -> int:
    number: int = run[0][0]
    return number


def add_beat(runs: Runs, sums: Sums, beat: Beat) -> bool:
    """Whether the beat was not known; then its steps to known neighbours are in the sums."""
    sn = beat[0]
    if runs and runs[-1][1][0] + 1 == sn:  # the next one: nearly always
        add_step(sums, runs[-1][1], beat, KNOWN_MS)
        runs[-1][1] = beat
        return True
    at = bisect_right(runs, sn, key=_first_sn)
    before = runs[at - 1] if at else None
    after = runs[at] if at < len(runs) else None
    if before is not None and sn <= before[1][0]:
        return False
    if after is not None and after[0][0] == sn + 1:
        add_step(sums, beat, after[0], KNOWN_MS)
        after[0] = beat
        beat, last = after
        del runs[at]
    else:
        last = beat
    if before is not None and before[1][0] + 1 == sn:
        add_step(sums, before[1], beat, KNOWN_MS)
        before[1] = last
    elif last is beat and len(runs) >= MOST_RUNS:
        return False
    else:
        runs.insert(at, [beat, last])
    return True


def with_gaps(runs: Runs, sums: Sums) -> Sums:
    """The sums as if nothing came any more: with a guess at what happened where beats are missing."""
    if len(runs) < 2:
        return sums
    whole = {**sums}
    for name in ("rendition_ms", "plays", "covered", "active"):
        whole[name] = sums[name].copy()
    for one, other in pairwise(runs):
        add_step(whole, one[1], other[0], GAP_MS)  # type: ignore[arg-type]
    return whole  # type: ignore[return-value]
