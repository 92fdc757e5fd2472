"""Funnels, delivery, chat along a film, the system, and questions that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from gateways.core.clickhouse import HistoryAway
from schemas.analytics.views import DELIVERY, STEPS, VIEWS
from schemas.chat.views import MESSAGES
from tests.integration.analytics.questions.conftest import NOW_S, Asked
from tests.support.measured import base, measure
from tests.support.views import BEGIN_MS, DAY_MS, random_views

WHOLE = {"from_": BEGIN_MS, "to": BEGIN_MS + 4 * DAY_MS}


async def test_how_far_playback_goes(asked: Asked) -> None:
    rows = random_views(31, 300)
    await asked.insert(VIEWS, rows)
    answer = await asked.get("/v1/funnels/playback", **WHOLE)
    for step in answer["steps"]:
        assert step["count"] == measure(step["step"], base(rows)), step["step"]
    assert answer["steps"][1]["median_ms"] == pytest.approx(measure("startup_median_ms", base(rows)), abs=16)


def step(offset: int, subject: str, name: str, at_s: int, **more: Any) -> dict[str, Any]:
    return {
        "topic": "media.asset.events", "partition": 0, "offset": offset, "domain": "media", "step": name,
        "subject": subject, "asset_id": subject, "owner_id": "o1", "at_ms": BEGIN_MS + at_s * 1000,
    } | more  # fmt: skip


async def test_how_far_films_come_by_hand(asked: Asked) -> None:
    """Three are made; two arrive whole, one of them is encoded. A fourth began before."""
    await asked.insert(
        STEPS,
        [
            step(1, "a", "created", 0), step(2, "a", "uploaded", 10), step(3, "a", "planned", 12),
            step(4, "a", "playable", 30), step(5, "a", "ready", 100),
            step(6, "b", "created", 0), step(7, "b", "uploaded", 30), step(8, "b", "failed", 31),
            step(9, "c", "created", 50, owner_id="o2"), step(10, "d", "created", -5),
            step(11, "d", "uploaded", 5),
        ],
    )  # fmt: skip
    await asked.insert(STEPS, [step(12, "a", "uploaded", 20)])  # it was taken again: the last time counts
    upload = await asked.get("/v1/funnels/upload", **WHOLE)
    assert upload["steps"] == [
        {"step": "created", "count": 3, "median_ms": None},
        {"step": "uploaded", "count": 2, "median_ms": 30_000},
    ]
    encode = await asked.get("/v1/funnels/encode", **WHOLE)
    assert [one["count"] for one in encode["steps"]] == [2, 1, 1, 1]
    assert {one["step"]: one["count"] for one in encode["aside"]} == {"failed": 1, "deleted": 0}
    assert encode["steps"][3]["median_ms"] == 70_000
    mine = await asked.get("/v1/funnels/upload", owner="o2", **WHOLE)
    assert [one["count"] for one in mine["steps"]] == [1, 0]
    assert [
        one["count"] for one in (await asked.get("/v1/funnels/upload", asset="a,b", **WHOLE))["steps"]
    ] == [2, 2]
    await asked.get("/v1/funnels/nonsense", 404)


async def test_how_many_licences_are_granted_by_hand(asked: Asked) -> None:
    """One playing is denied and asks again; another one, of somebody else's film, gets none."""
    films = [step(1, "a", "created", 0), step(2, "c", "created", 0, owner_id="o2")]
    told = (
        ("s1", "a", "asked", 5), ("s1", "a", "denied", 5), ("s1", "a", "asked", 9), ("s1", "a", "granted", 9),
        ("s2", "c", "asked", 6), ("s2", "c", "denied", 6),
    )  # fmt: skip
    licences = [
        step(at, playing, name, at_s, asset_id=film, domain="drm", owner_id="", topic="drm.account.events")
        for at, (playing, film, name, at_s) in enumerate(told)
    ]
    await asked.insert(STEPS, [*films, *licences])
    for filters, counts, denied in (
        ({}, [2, 1], 2), ({"owner": "o1"}, [1, 1], 1), ({"asset": "c"}, [1, 0], 1)
    ):  # fmt: skip
        answer = await asked.get("/v1/funnels/licence", **filters, **WHOLE)
        assert [one["count"] for one in answer["steps"]] == counts
        assert answer["aside"] == [{"step": "denied", "count": denied, "median_ms": None}]
    await asked.get("/v1/funnels/upload", 400, country="DE")


async def test_bytes_count_once(asked: Asked) -> None:
    def sent(offset: int, report: str, at_s: int, rendition: str, size: int, **more: Any) -> dict[str, Any]:
        return {
            "topic": "t", "partition": 0, "offset": offset, "id": report, "day": BEGIN_MS // DAY_MS,
            "at_ms": BEGIN_MS + at_s * 1000, "view_id": "", "asset_id": "a", "owner_id": "o1",
            "country": "DE", "device": "tv", "bot": False, "rendition": rendition, "requests": 2,
            "bytes": size,
        } | more  # fmt: skip

    rows = [
        sent(1, "r1", 0, "720p", 100), sent(2, "r1", 0, "audio", 10), sent(3, "r2", 3600, "720p", 1000),
        sent(4, "r3", 7200, "720p", 7, asset_id="b", bot=True),
    ]  # fmt: skip
    await asked.insert(DELIVERY, rows)
    await asked.insert(DELIVERY, [row | {"offset": row["offset"] + 100} for row in rows])
    hours = await asked.get("/v1/delivery", interval="hour", from_=BEGIN_MS, to=BEGIN_MS + 4 * 3_600_000)
    assert [row["bytes"] for row in hours["rows"]] == [110, 1000, 7, 0]
    assert hours["totals"] == {"bytes": 1117, "requests": 8}
    by_rendition = await asked.get("/v1/delivery", group_by="rendition", bots="exclude", **WHOLE)
    assert [(row["key"], row["bytes"]) for row in by_rendition["rows"]] == [("720p", 1100), ("audio", 10)]
    assert (await asked.get("/v1/delivery", group_by="none", asset="b", **WHOLE))["totals"]["bytes"] == 7
    text = await asked.get("/v1/delivery", group_by="asset", format="csv", **WHOLE)
    assert text.splitlines() == ["key,bytes,requests", "a,1110,6", "b,7,2"]
    await asked.get("/v1/delivery", 400, browser="Firefox")


async def test_what_is_said_along_a_film(asked: Asked) -> None:
    def said(offset: int, kind: str, media_ms: int | None, message: str = "", account: str = "ann") -> Any:
        return {
            "topic": "t", "partition": 0, "offset": offset, "room_id": "a-film-a", "message_id": message,
            "account_id": account, "at_ms": 1, "sent_at_ms": 1, "media_ms": media_ms, "kind": kind,
        }  # fmt: skip

    await asked.insert(
        MESSAGES,
        [
            said(1, "message", 0, "m1"), said(2, "message", 9_999, "m2"),
            said(3, "message", 25_000, "m3", "ben"), said(4, "message", None, "m4"),
            said(5, "message", 26_000, "m5", "bad"), said(6, "shadowed", 1, "m6"),
            said(7, "message", 27_000, "m7"), said(8, "removed", None, "m7"),
            said(9, "purged", None, "", "bad"), said(10, "message", 28_000, "m8", "ann"),
            {**said(11, "message", 1, "m9"), "room_id": "a-other"},
        ],
    )  # fmt: skip
    answer = await asked.get("/v1/videos/film-a/chat")
    assert (answer["messages"], answer["people"], answer["total"]) == ([2, 0, 2], [1, 0, 2], 4)
    assert (await asked.get("/v1/videos/other/chat", step_ms=1000))["messages"] == [1]
    assert (await asked.get("/v1/videos/none/chat"))["messages"] == []


async def test_the_system_says_what_is_there(asked: Asked) -> None:
    now_s = int(NOW_S - BEGIN_MS / 1000)
    await asked.insert(STEPS, [step(1, "a", "created", now_s - 500), step(2, "a", "uploaded", now_s - 400)])
    await asked.insert(STEPS, [step(3, "a", "ready", now_s - 300), step(4, "b", "uploaded", 0)])
    await asked.insert(VIEWS, random_views(32, 5))
    answer = await asked.get("/v1/system")
    assert answer["clickhouse"] is True
    encoding = answer["encoding"]
    assert (encoding["created"], encoding["ready"], encoding["failed"], encoding["working"]) == (1, 1, 0, 1)
    assert encoding["encode_median_ms"] == 100_000
    tables = {table["name"]: table for table in answer["tables"]}
    assert tables["analytics_views"]["rows"] == 5
    assert tables["analytics_views"]["newest_at_ms"] > BEGIN_MS


SENSELESS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"metrics": "views,nonsense"}, "nonsense"), ({"metrics": ""}, "metrics"),
    ({"group_by": "rendition", "metrics": "stalls"}, "stalls"),
    ({"timezone": "Europe/Nowhere"}, "timezone"), ({"timezone": "../../etc/passwd"}, "timezone"),
    ({"from_": "yesterday"}, "from"), ({"from_": "2026-01-01T00:00:00"}, "from"),
    ({"to": "9" * 30}, "to"), ({"from_": 1_700_000_000_000, "to": 1_600_000_000_000}, "from"),
    ({"from_": 1_000_000_000_000}, "days"),
    ({"group_by": "time", "interval": "minute"}, "interval"), ({"order": "stalls"}, "order"),
    ({"country": ",".join(str(number) for number in range(60))}, "country"), ({"os": "a\nb"}, "os"),
)  # fmt: skip


async def test_questions_that_make_no_sense_are_told_so(asked: Asked) -> None:
    for query, word in SENSELESS:
        answer = await asked.get("/v1/metrics", 400, **query)
        assert word in answer["detail"]


async def test_csv_of_a_dashboard_is_no_formula(asked: Asked) -> None:
    rows = random_views(33, 20)
    await asked.insert(VIEWS, [row | {"referrer": "=cmd()", "bot": False, "counted": True} for row in rows])
    text = await asked.get("/v1/metrics", metrics="views", group_by="referrer", format="csv", **WHOLE)
    assert text.splitlines()[1].startswith("'=cmd()")
    assert "viewers" in (await asked.get("/v1/metrics", **WHOLE))["definitions"]


async def test_while_clickhouse_is_away(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any) -> None:
        raise HistoryAway("Connection refused")

    monkeypatch.setattr(asked.reading.history, "query", away)
    assert "ClickHouse" in (await asked.get("/v1/metrics", 503))["detail"]
    answer = await asked.get("/v1/system")
    assert (answer["clickhouse"], answer["tables"], answer["encoding"]) == (False, [], None)


async def test_one_film_at_a_time(asked: Asked) -> None:
    await asked.get("/v1/videos/film-a,film-b/retention", 400)
    await asked.get("/v1/videos/film-a/retention", 400, asset="film-b")
