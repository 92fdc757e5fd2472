"""The beats of a session as its player told them, and what was decided on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final

from pydantic import BaseModel, Field

from schemas.analytics.views import MOST_RUNS

REPEATED: Final = "repeated"
LATE: Final = "late"
GAP: Final = "gap_before"
LEFT_OUT: Final = "left_out"
CLAMPED: Final = "clamped:"


class Beat(BaseModel):
    """One thing that a player said; the fields of `kinolog.analytics.BeatsReported`."""

    sn: int
    kind: str
    state: str
    at_ms: int = Field(description="by our clock")
    ts_ms: int = Field(description="by the player's clock")
    received_at_ms: int
    playhead_ms: int | None
    rate: float
    rendition: str
    bitrate_kbps: int | None
    error: str
    decided: list[str] = Field(
        description="repeated: it came more often, and counts once; late: it came after one that follows it; "
        "gap_before: the beat before never came; clamped:<field>: the field was brought into its range; "
        f"left_out: the session had {MOST_RUNS} gaps already, and it is not in its numbers"
    )


class Runs:
    """Which numbers a session's decider knows: up to MOST_RUNS runs of consecutive ones, as it keeps them."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._runs = 0

    def take(self, number: int) -> bool | None:
        """Whether a number is new; None: it is left out."""
        if number in self._known:
            return False
        beside = ((number - 1) in self._known) + ((number + 1) in self._known)
        if not beside and self._runs >= MOST_RUNS:
            return None
        self._known.add(number)
        self._runs += 1 - beside
        return True


def told(reports: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Beats in the player's order, each once, of reports in the order in which they came; and repeats."""
    beats: dict[int, dict[str, Any]] = {}
    runs, highest, repeated = Runs(), -1, 0
    for report in reports:
        names = [name for name in report if name.startswith("beat.")]
        rows = zip(*(report[name] for name in names), strict=True)
        every = [
            {name.removeprefix("beat."): value for name, value in zip(names, row, strict=True)}
            for row in rows
        ]
        for said in sorted(every, key=itemgetter("sn")):  # as the decider does
            number = said["sn"]
            new = runs.take(number)
            if new is not None and number in beats and LEFT_OUT in beats[number]["decided"]:
                del beats[number]  # it was left out, and came again when there was room
            if number in beats:
                repeated += 1
                if REPEATED not in beats[number]["decided"]:
                    beats[number]["decided"].append(REPEATED)
                continue
            decided = [LATE] if number < highest else []
            decided += [LEFT_OUT] if new is None else []
            decided += [f"{CLAMPED}{name}" for name in said["clamped"]]
            highest = max(highest, number)
            beats[number] = {
                **{name: said[name] for name in Beat.model_fields if name in said},
                "received_at_ms": report["received_at_ms"], "decided": decided,
            }  # fmt: skip
    ordered = [beats[number] for number in sorted(beats)]
    for before, after in pairwise(ordered):
        if after["sn"] != before["sn"] + 1:
            after["decided"].append(GAP)
    return ordered, repeated
