"""Which beats of a session are known, as runs of consecutive numbers. Pure.

Between two beats of consecutive numbers nothing can come any more: what lies between them is added to the
session's sums at once, and the beats inside a run are forgotten. What lies in the gap between two runs is not
added until the gap is closed: `with_gaps` says what it would be.

Whether waiting is a stall depends on what was before it, which may be in a run that is not joined yet. So a
run keeps the waiting at its head, and whether it had played by its end: joined to the run before, its head is
a stall if that one had played, else the start's or a seek's.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Any, Final, NamedTuple

from schemas.analytics.views import MOST_RUNS
from streams.analytics.state import Beat, Run, Sums
from streams.analytics.steps import GAP_MS, KNOWN_MS, add_step, plays_on

Runs = list[Run]

FIRST: Final = 0  # places in a Run
LAST: Final = 1
PLAYED: Final = 2
HEAD_MS: Final = 3
HEAD_STALLS: Final = 4


class Added(NamedTuple):
    """What became of a beat: `new` if it is in the sums now; else known before, or `full` refused it."""

    new: bool
    full: bool = False


KNOWN: Final = Added(False)
NEW: Final = Added(True)
FULL: Final = Added(False, full=True)


def _first_sn(run: Run) -> int:
    number: int = run[FIRST][0]
    return number


def add_beat(runs: Runs, sums: Sums, beat: Beat) -> Added:
    """Of a beat that was not known, the steps to its known neighbours are in the sums then."""
    sn = beat[0]
    if runs and runs[-1][LAST][0] + 1 == sn:  # the next one: nearly always
        _go_on(runs[-1], beat, sums)
        return NEW
    at = bisect_right(runs, sn, key=_first_sn)
    before = runs[at - 1] if at else None
    if before is not None and sn <= before[LAST][0]:
        return KNOWN
    after = runs[at] if at < len(runs) and runs[at][FIRST][0] == sn + 1 else None
    if before is not None and before[LAST][0] + 1 == sn:
        _go_on(before, beat, sums)
        if after is not None:
            _join(before, after, sums)
            del runs[at]
    elif after is not None:
        own = _run_of(beat)
        _join(own, after, sums)
        runs[at] = own
    elif len(runs) >= MOST_RUNS:
        return FULL
    else:
        runs.insert(at, _run_of(beat))
    return NEW


def with_gaps(runs: Runs, sums: Sums) -> Sums:
    """The sums as if nothing came any more: with a guess at what happened where beats are missing."""
    whole: Any = {**sums}
    if len(runs) > 1:
        for name in ("rendition_ms", "plays", "covered", "active"):
            whole[name] = sums[name].copy()
    played = False  # before its first beat a session waits for its start
    for run, after in pairwise([*runs, None]):
        assert run is not None
        if played:
            whole["stalled_ms"] += run[HEAD_MS]
            whole["stalls"] += run[HEAD_STALLS]
        played = run[PLAYED] if run[PLAYED] is not None else played
        if after is not None:
            stalled_ms, stalls = add_step(whole, run[LAST], after[FIRST], GAP_MS)
            if played:
                whole["stalled_ms"] += stalled_ms
                whole["stalls"] += stalls
    found: Sums = whole
    return found


def _run_of(beat: Beat) -> Run:
    return [beat, beat, plays_on(beat), 0, 0]


def _go_on(run: Run, beat: Beat, sums: Sums) -> None:
    """The next beat of a run."""
    stalled_ms, stalls = add_step(sums, run[LAST], beat, KNOWN_MS)
    if stalled_ms or stalls:
        _stalled(run, stalled_ms, stalls, sums)
    run[LAST] = beat
    played = plays_on(beat)
    if played is not None:
        run[PLAYED] = played


def _join(run: Run, after: Run, sums: Sums) -> None:
    """The run that begins directly after this one becomes part of it."""
    stalled_ms, stalls = add_step(sums, run[LAST], after[FIRST], KNOWN_MS)
    _stalled(run, stalled_ms + after[HEAD_MS], stalls + after[HEAD_STALLS], sums)
    run[LAST] = after[LAST]
    if after[PLAYED] is not None:
        run[PLAYED] = after[PLAYED]


def _stalled(run: Run, stalled_ms: int, stalls: int, sums: Sums) -> None:
    """Waiting at the end of a run: a stall, not one, or for who is joined before it to say."""
    if run[PLAYED]:
        sums["stalled_ms"] += stalled_ms
        sums["stalls"] += stalls
    elif run[PLAYED] is None:
        run[HEAD_MS] += stalled_ms
        run[HEAD_STALLS] += stalls
