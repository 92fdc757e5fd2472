"""Sides of a bench take turns; what counts is the median of each. Results are kept as JSON."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.layout import default_home

OURS = "ours"


@dataclass(frozen=True)
class Goal:
    """Ours must be at least `ratio` of the peer (at most, where lower is better); no peer: of 1 unit."""

    peer: str
    ratio: float


@dataclass(frozen=True)
class Bench:
    """One figure: a function per side, which runs it once and returns the figure."""

    name: str
    unit: str
    lower_is_better: bool
    sides: Mapping[str, Callable[[], float]]
    goals: Sequence[Goal] = field(default_factory=tuple)


def measured(bench: Bench, rounds: int, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run every side `rounds` times, in turns. A side that fails is an error: a missing peer is none."""
    figures: dict[str, list[float]] = {side: [] for side in bench.sides}
    load = []
    for number in range(rounds):
        for side, run in bench.sides.items():
            load.append(round(os.getloadavg()[0], 2))
            figure = run()
            figures[side].append(figure)
            say(f"  {bench.name} round {number + 1}/{rounds} {side}: {figure:,.2f} {bench.unit}")
    medians = {side: statistics.median(values) for side, values in figures.items()}
    return {
        "bench": bench.name,
        "ours": medians[OURS],
        "unit": bench.unit,
        "lower_is_better": bench.lower_is_better,
        "peers": {side: value for side, value in medians.items() if side != OURS},
        "rounds": rounds,
        "load": max(load),
    }


def judged(bench: Bench, result: Mapping[str, Any]) -> list[str]:
    """A line per goal: how ours stands to it."""
    lines = []
    for goal in bench.goals:
        peer = result["peers"][goal.peer] if goal.peer else 1.0
        ratio = result["ours"] / peer
        met = ratio <= goal.ratio if bench.lower_is_better else ratio >= goal.ratio
        bound = "at most" if bench.lower_is_better else "at least"
        against = f"of {goal.peer}" if goal.peer else bench.unit
        lines.append(
            f"{'met' if met else 'MISSED'}: {bench.name} {ratio:.2f} {against}, {bound} {goal.ratio:g}"
        )
    return lines


def keep(results: Sequence[Mapping[str, Any]], path: Path | None = None) -> Path:
    """Write results to `bench/latest.json` of KINOLOG_HOME; older ones of other benches stay."""
    path = path or default_home() / "bench" / "latest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {r["bench"]: r for r in json.loads(path.read_text())} if path.is_file() else {}
    held |= {r["bench"]: dict(r) for r in results}
    path.write_text(json.dumps(list(held.values()), indent=2) + "\n")
    return path
