"""The beats of a session as its player told them, and what was decided on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel, Field

REPEATED: Final = "repeated"
LATE: Final = "late"
GAP: Final = "gap_before"
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
        "gap_before: the beat before never came; clamped:<field>: the field was brought into its range"
    )


def told(reports: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Beats in the player's order, each once, of reports in the order in which they came; and repeats."""
    beats: dict[int, dict[str, Any]] = {}
    highest, repeated = -1, 0
    for report in reports:
        names = [name for name in report if name.startswith("beat.")]
        for values in zip(*(report[name] for name in names), strict=True):
            said = {name.removeprefix("beat."): value for name, value in zip(names, values, strict=True)}
            number = said["sn"]
            if number in beats:
                repeated += 1
                if REPEATED not in beats[number]["decided"]:
                    beats[number]["decided"].append(REPEATED)
                continue
            decided = [LATE] if number < highest else []
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
