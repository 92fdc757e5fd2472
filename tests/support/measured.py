"""The measures of playback sessions in plain Python: the reference that ClickHouse's answers are held to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

Row = dict[str, Any]


def newest(rows: Iterable[Row]) -> list[Row]:
    """Of each session the newest row that stands."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = (row["day"], row["asset_id"], row["view_id"])
        if key not in found or found[key]["offset"] <= row["offset"]:
            found[key] = row
    return [row for row in found.values() if not row["gone"]]


def base(rows: Iterable[Row]) -> list[Row]:
    """What measures are of: neither robots' sessions nor those of films that do not exist."""
    return [row for row in newest(rows) if not row["bot"] and "unknown_video" not in row["reasons"]]


def measure(name: str, rows: list[Row]) -> float | None:
    """One measure of these rows."""
    views = [row for row in rows if row["counted"]]
    sums = ("watched_ms", "playing_ms", "media_ms", "stalled_ms", "stalls", "seeks", "switches")
    if name in (*sums, "dropped_frames"):
        return _sum(rows, name)
    if name.startswith("reached_"):
        return _reached(views, int(name.removeprefix("reached_")))
    return _OTHERS[name](rows, views)


def _sum(rows: list[Row], name: str) -> int:
    return sum(row[name] for row in rows)


def _reached(views: list[Row], percent: int) -> int:
    return sum(
        row["film_ms"] is not None and row["covered_ms"] * 100 >= row["film_ms"] * percent for row in views
    )


def _divided(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _quantile(rows: list[Row], level: float) -> float | None:
    """Nearest rank."""
    values = sorted(row["startup_ms"] for row in rows if row["startup_ms"] is not None)
    return values[min(len(values) - 1, math.floor(level * len(values)))] if values else None


_OTHERS: dict[str, Callable[[list[Row], list[Row]], float | None]] = {
    "views": lambda rows, views: len(views),
    "engaged_views": lambda rows, views: _sum(views, "engaged"),
    "sessions": lambda rows, views: len(rows),
    "viewers": lambda rows, views: len({row["viewer"] for row in views} - {""}),
    "finished_views": lambda rows, views: _sum(views, "finished"),
    "completed_views": lambda rows, views: _reached(views, 90),
    "failures": lambda rows, views: _sum(rows, "failed"),
    "start_failures": lambda rows, views: sum(row["failed"] and not row["started"] for row in rows),
    "exits_before_start": lambda rows, views: _sum(rows, "exited_before_start"),
    "engaged_rate": lambda rows, views: _divided(_sum(views, "engaged"), len(views)),
    "finished_rate": lambda rows, views: _divided(_sum(views, "finished"), len(views)),
    "completion_rate": lambda rows, views: _divided(_reached(views, 90), len(views)),
    "failure_rate": lambda rows, views: _divided(_sum(rows, "failed"), len(rows)),
    "exit_rate": lambda rows, views: _divided(_sum(rows, "exited_before_start"), len(rows)),
    "stalled_share": lambda rows, views: _divided(_sum(rows, "stalled_ms"), _sum(rows, "watched_ms")),
    "stalled_views_rate": lambda rows, views: _divided(sum(row["stalls"] > 0 for row in views), len(views)),
    "average_playing_ms": lambda rows, views: _divided(_sum(rows, "playing_ms"), len(views)),
    "stalls_per_hour": lambda rows, views: _divided(
        _sum(rows, "stalls") * 3_600_000, _sum(rows, "playing_ms")
    ),
    "bitrate_kbps": lambda rows, views: _divided(_sum(rows, "kbits") * 1000, _sum(rows, "bitrate_ms")),
    "startup_median_ms": lambda rows, views: _quantile(rows, 0.5),
    "startup_p95_ms": lambda rows, views: _quantile(rows, 0.95),
}
