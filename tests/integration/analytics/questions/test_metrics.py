"""Every measure against plain Python, over random sessions on the real engine."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gateways.analytics.grouped import COLUMNS
from gateways.analytics.measures import MEASURES
from gateways.analytics.periods import Span, edges_of, zone_of
from schemas.analytics.views import VIEWS
from tests.integration.analytics.questions.conftest import Asked
from tests.support.measured import base, measure
from tests.support.views import BEGIN_MS, DAY_MS, Row, random_views

ALL = ",".join(MEASURES)
WHOLE = {"from_": BEGIN_MS, "to": BEGIN_MS + 4 * DAY_MS}
STEPS_MS = {"startup_median_ms": 16, "startup_p95_ms": 16}


def same(name: str, found: Any, rows: list[Row]) -> None:
    """The answer's value is the reference's; of times to the first frame to the step that is promised."""
    expected = measure(name, rows)
    if expected is None or found is None:
        assert found == expected, name
    else:
        assert found == pytest.approx(expected, rel=1e-4, abs=max(1e-6, STEPS_MS.get(name, 0))), name


async def filled(asked: Asked, seed: int, number: int = 400) -> list[Row]:
    """Random sessions; some have been told before with less in them, and one moved to another day."""
    rows = random_views(seed, number)
    earlier = [row | {"offset": 0, "playing_ms": 1, "counted": False} for row in rows[: number // 4]]
    moved = [row | {"day": row["day"] - 1, "gone": 1} for row in rows[:20]]
    later = [row | {"offset": 10_000_000 + row["offset"]} for row in rows]
    for part in (earlier, later[::2], moved, later[1::2]):
        random.Random(seed).shuffle(part)
        await asked.insert(VIEWS, part)
    return [*earlier, *moved, *later]


async def test_every_measure_is_what_plain_python_finds(asked: Asked) -> None:
    rows = base([row for seed in (1, 2, 3) for row in await filled(asked, seed)])
    answer = await asked.get("/v1/metrics", metrics=ALL, **WHOLE)
    for name in MEASURES:
        same(name, answer["totals"][name], rows)


async def test_groups_are_the_measures_of_their_rows(asked: Asked) -> None:
    rows = base(await filled(asked, 4))
    for group in COLUMNS:
        await groups_are_right(asked, rows, group)


async def groups_are_right(asked: Asked, rows: list[Row], group: str) -> None:
    answer = await asked.get("/v1/metrics", metrics=ALL, group_by=group, **WHOLE)
    column = COLUMNS[group]
    assert {row["key"] for row in answer["rows"]} == {row[column] for row in rows}
    assert [row["views"] for row in answer["rows"]] == sorted(
        (r["views"] for r in answer["rows"]), reverse=True
    )
    for found in answer["rows"]:
        for name in MEASURES:
            same(name, found[name], [row for row in rows if row[column] == found["key"]])
    for name in MEASURES:
        same(name, answer["totals"][name], rows)


LOCAL = (
    ("hour", "Europe/Berlin"), ("day", "Europe/Berlin"), ("day", "Asia/Kathmandu"),
    ("week", "America/New_York"), ("month", "UTC"), ("hour", "Australia/Lord_Howe"),
)  # fmt: skip


async def test_intervals_are_local(asked: Asked) -> None:
    rows = base(await filled(asked, 5))
    for interval, timezone in LOCAL:
        await intervals_are_right(asked, rows, interval, timezone)


async def intervals_are_right(asked: Asked, rows: list[Row], interval: Any, timezone: str) -> None:
    names = "views,viewers,playing_ms,stalled_share"
    answer = await asked.get(
        "/v1/metrics", metrics=names, group_by="time", interval=interval, timezone=timezone, **WHOLE
    )
    edges = edges_of(Span(BEGIN_MS, BEGIN_MS + 4 * DAY_MS), interval, zone_of(timezone))
    assert [row["at_ms"] for row in answer["rows"]] == edges
    for found, end in zip(answer["rows"], [*edges[1:], 2**53], strict=True):
        for name in names.split(","):
            same(name, found[name], [r for r in rows if found["at_ms"] <= r["started_at_ms"] < end])


async def test_renditions(asked: Asked) -> None:
    rows = base(await filled(asked, 6))
    answer = await asked.get("/v1/metrics", metrics="views,viewers,playing_ms", group_by="rendition", **WHOLE)
    assert {row["key"] for row in answer["rows"]} == {"360p", "1080p"}
    for found in answer["rows"]:
        of_it = [row for row in rows if found["key"] in row["rendition_ms"]]
        assert found["playing_ms"] == sum(row["rendition_ms"][found["key"]] for row in of_it)
        assert found["views"] == sum(row["counted"] for row in of_it)
    assert answer["totals"]["playing_ms"] == sum(row["playing_ms"] for row in rows)


async def test_filters_and_the_time_before(asked: Asked) -> None:
    rows = base(await filled(asked, 7))
    answer = await asked.get(
        "/v1/metrics", metrics="views,playing_ms", country="DE,US", device="tv", compare="previous",
        group_by="asset", from_=BEGIN_MS + 2 * DAY_MS, to=BEGIN_MS + 4 * DAY_MS,
    )  # fmt: skip
    wanted = [row for row in rows if row["country"] in ("DE", "US") and row["device"] == "tv"]
    middle = BEGIN_MS + 2 * DAY_MS
    now = [row for row in wanted if row["started_at_ms"] >= middle]
    before = [row for row in wanted if row["started_at_ms"] < middle]
    same("playing_ms", answer["totals"]["playing_ms"], now)
    same("playing_ms", answer["previous"]["totals"]["playing_ms"], before)
    assert (answer["previous"]["from_ms"], answer["previous"]["to_ms"]) == (BEGIN_MS, middle)
    for found in answer["previous"]["rows"]:
        same("views", found["views"], [row for row in before if row["asset_id"] == found["key"]])


async def test_robots_are_told_of(asked: Asked) -> None:
    rows = await filled(asked, 8)
    known = base([row | {"bot": False} for row in rows])
    answer = await asked.get("/v1/metrics", metrics="sessions", **WHOLE)
    assert answer["bots_excluded"] + answer["totals"]["sessions"] == len(known)
    only = await asked.get("/v1/metrics", metrics="sessions", bots="only", **WHOLE)
    assert only["totals"]["sessions"] == answer["bots_excluded"]
    everybody = await asked.get("/v1/metrics", metrics="sessions", bots="include", **WHOLE)
    assert everybody["totals"]["sessions"] == len(known)
