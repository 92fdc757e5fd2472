"""Retention, startup and concurrency against plain Python, and against sessions worked out by hand."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from gateways.analytics.startup import UPTO_MS
from schemas.analytics.views import VIEWS
from tests.integration.analytics.questions.conftest import Asked
from tests.support.measured import base
from tests.support.views import BEGIN_MS, DAY_MS, Row, a_view, random_views

WHOLE = {"from_": BEGIN_MS, "to": BEGIN_MS + 4 * DAY_MS}
MINUTE = BEGIN_MS // 60_000


def times_of(row: Row, column: str) -> Counter[int]:
    """Second -> how often, of sums of changes."""
    found: Counter[int] = Counter()
    now, changes = 0, {int(second): change for second, change in row[column].items()}
    for second in range(max(changes, default=0)):
        now += changes.get(second, 0)
        found[second] = now
    return found


async def test_the_curves_are_what_plain_python_finds(asked: Asked) -> None:
    rows = random_views(11, 600)
    await asked.insert(VIEWS, [row | {"offset": 0, "plays": {"0": 99}} for row in rows[:200]])
    await asked.insert(VIEWS, rows)
    for film in (0, 3, 5):
        await curves_are_right(asked, rows, film)


async def curves_are_right(asked: Asked, rows: list[Row], film: int) -> None:
    mine = [row for row in base(rows) if row["asset_id"] == f"film-{film}"]
    answer = await asked.get(f"/v1/videos/film-{film}/retention", **WHOLE)
    length = 30 + 40 * film
    assert (answer["film_ms"], answer["step_ms"]) == (length * 1000, 1000)
    plays, unique = (sum((times_of(row, name) for row in mine), Counter()) for name in ("plays", "coverage"))
    assert answer["plays"] == [plays[second] for second in range(length)]
    assert answer["unique"] == [unique[second] for second in range(length)]
    for second in range(length):
        covered = [times_of(row, "coverage") for row in mine]
        later = sum(not own[second] and any(own[after] for after in range(second, length)) for own in covered)
        assert answer["skipped"][second] == later
        assert answer["replayed"][second] == plays[second] - unique[second]
    assert answer["views"] == sum(row["counted"] for row in mine)
    assert answer["average_ms"] == round(sum(row["media_ms"] for row in mine) / answer["views"], 1)


async def test_a_film_of_ten_seconds_by_hand(asked: Asked) -> None:
    """One plays all of it; one goes from 2 to 4, back to 3, and on to 5; one plays the last two seconds."""
    film = {"film_ms": 10_000, "asset_id": "ten"}
    await asked.insert(
        VIEWS,
        [
            a_view(1, **film, plays={"0": 1, "10": -1}, coverage={"0": 1, "10": -1}, media_ms=10_000),
            a_view(
                2, **film, plays={"2": 1, "3": 1, "4": -1, "5": -1}, coverage={"2": 1, "5": -1}, media_ms=4000
            ),
            a_view(3, **film, plays={"8": 1, "10": -1}, coverage={"8": 1, "10": -1}, media_ms=2000),
        ],
    )
    answer = await asked.get("/v1/videos/ten/retention", **WHOLE)
    assert answer["plays"] == [1, 1, 2, 3, 2, 1, 1, 1, 2, 2]
    assert answer["unique"] == [1, 1, 2, 2, 2, 1, 1, 1, 2, 2]
    assert answer["skipped"] == [2, 2, 1, 1, 1, 1, 1, 1, 0, 0]
    assert answer["replayed"] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert (answer["views"], answer["average_ms"]) == (3, 5333.3)


async def test_nobody_watched(asked: Asked) -> None:
    answer = await asked.get("/v1/videos/none/retention", **WHOLE)
    assert (answer["film_ms"], answer["plays"], answer["views"], answer["average_ms"]) == (None, [], 0, None)
    answer = await asked.get("/v1/startup", **WHOLE)
    assert (answer["count"], answer["median_ms"]) == (0, None)
    answer = await asked.get("/v1/concurrency", **WHOLE)
    assert answer["peak"] is None
    assert {point["viewers"] for point in answer["points"]} == {0}


async def test_waiting_for_the_first_frame(asked: Asked) -> None:
    rows = random_views(12, 500)
    rows += [
        a_view(5000 + at, startup_ms=wait) for at, wait in enumerate((0, 100, 101, 30_000, 30_001, 90_000))
    ]
    await asked.insert(VIEWS, rows)
    waits = [row["startup_ms"] for row in base(rows) if row["startup_ms"] is not None]
    answer = await asked.get("/v1/startup", **WHOLE)
    edges = [-1, *UPTO_MS, 2**53]
    counts = [sum(low < wait <= high for wait in waits) for low, high in pairwise(edges)]
    assert [bucket["count"] for bucket in answer["buckets"]] == counts
    assert [bucket["upto_ms"] for bucket in answer["buckets"]] == [*UPTO_MS, None]
    assert answer["count"] == len(waits)
    assert answer["median_ms"] == pytest.approx(sorted(waits)[len(waits) // 2], abs=16)


async def test_watching_at_the_same_time(asked: Asked) -> None:
    rows = random_views(13, 500, days=1)
    await asked.insert(VIEWS, rows)
    for interval in ("minute", "hour", "day"):
        await points_are_right(asked, rows, interval)
    await points_are_right(asked, rows, "day", days=80)


async def points_are_right(asked: Asked, rows: list[Row], interval: str, days: int = 1) -> None:
    span = {"from_": BEGIN_MS + DAY_MS // 3, "to": BEGIN_MS + days * DAY_MS}
    answer = await asked.get("/v1/concurrency", interval=interval, **span)
    watching: Counter[int] = Counter()
    for row in base(rows):
        begin, end = sorted(int(minute) for minute in row["active"])
        watching.update(range(begin, end))
    minutes = range(span["from_"] // 60_000, span["to"] // 60_000)
    length = {"minute": 1, "hour": 60, "day": 1440}[interval]
    expected: Counter[int] = Counter()
    for minute in minutes:
        at_ms = (minute - minute % length) * 60_000
        expected[at_ms] = max(expected[at_ms], watching[minute])
    assert {point["at_ms"]: point["viewers"] for point in answer["points"]} == dict(expected)
    most = max(watching[minute] for minute in minutes)
    first = next(minute for minute in minutes if watching[minute] == most)
    assert answer["peak"] == {"at_ms": first * 60_000, "viewers": most}


async def test_who_watched_before_still_watches(asked: Asked) -> None:
    """Two began before the time asked about; one of them pauses in it, and nobody else comes."""
    before = {
        "started_at_ms": BEGIN_MS - 600_000,
        "day": BEGIN_MS // DAY_MS - 1,
        "last_at_ms": BEGIN_MS + DAY_MS,
    }
    await asked.insert(
        VIEWS,
        [
            a_view(1, **before, active={str(MINUTE - 10): 1, str(MINUTE + 90): -1}),
            a_view(2, **before, active={str(MINUTE - 10): 1, str(MINUTE + 300): -1}),
        ],
    )
    answer = await asked.get("/v1/concurrency", from_=BEGIN_MS, to=BEGIN_MS + 6 * 3_600_000)
    assert [point["viewers"] for point in answer["points"]] == [2, 2, 1, 1, 1, 0]
    assert answer["peak"] == {"at_ms": BEGIN_MS, "viewers": 2}
