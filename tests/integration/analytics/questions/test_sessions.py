"""Sessions page by page, one by one, and for whom."""

from __future__ import annotations

import time
from typing import Any

import pytest

from schemas.analytics.views import BEATS, VIEWS, WATCHED_MS
from tests.integration.analytics.questions.conftest import Asked
from tests.support.measured import newest
from tests.support.views import BEGIN_MS, DAY_MS, a_view, random_views

WHOLE = {"from_": BEGIN_MS - DAY_MS, "to": BEGIN_MS + 6 * DAY_MS}
OWNER, OTHER = "a" * 32, "b" * 32


async def pages(asked: Asked, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = await asked.get("/v1/views", **query, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next_cursor"]
    return found


async def test_pages_are_all_sessions_the_newest_first(asked: Asked) -> None:
    rows = random_views(21, 120)
    rows += [a_view(9_000 + number, started_at_ms=BEGIN_MS + 5000) for number in range(10)]
    await asked.insert(VIEWS, [row | {"offset": 0, "counted": False} for row in rows[::3]])
    await asked.insert(VIEWS, rows)
    expected = sorted(newest(rows), key=lambda row: (row["started_at_ms"], row["view_id"]), reverse=True)
    found = await pages(asked, limit=7, **WHOLE)
    assert [view["view_id"] for view in found] == [row["view_id"] for row in expected]
    assert [view["counted"] for view in found] == [row["counted"] for row in expected]
    uncounted = await pages(asked, limit=50, which="uncounted", country="DE", **WHOLE)
    assert [view["view_id"] for view in uncounted] == [
        row["view_id"] for row in expected if not row["counted"] and row["country"] == "DE"
    ]
    assert "viewer" not in found[0]


def report(offset: int, view_id: str, *beats: dict[str, Any]) -> dict[str, Any]:
    """As its projector writes it."""
    whole = [
        {
            "sn": 0, "ts_ms": 1, "at_ms": 2, "kind": "state", "state": "playing", "playhead_ms": None,
            "rate": 1, "rendition": "", "bitrate_kbps": None, "stalled_total_ms": None, "stalls_total": None,
            "dropped_frames_total": None, "error": "", "clamped": [],
        } | beat
        for beat in beats
    ]  # fmt: skip
    return {
        "topic": "t", "partition": 0, "offset": offset, "id": str(offset), "view_id": view_id,
        "asset_id": "film-a", "source": "json", "player": "p", "country": "", "bot": False,
        "received_at_ms": 1000 + offset,
        **{f"beat.{name}": [each[name] for each in whole] for name in whole[0]},
    }  # fmt: skip


async def test_who_is_still_starting_has_not_left(asked: Asked) -> None:
    now_ms = time.time_ns() // 1_000_000
    begun = {"exited_before_start": True, "started": False, "counted": False}
    left = a_view(1, started_at_ms=now_ms - 120_000, **begun) | {"last_at_ms": now_ms - 60_000}
    starting = a_view(2, started_at_ms=now_ms - 120_000, **begun) | {"last_at_ms": now_ms + 600_000}
    await asked.insert(VIEWS, [left, starting])
    span = {"from_": now_ms - DAY_MS, "to": now_ms + DAY_MS}
    answer = await asked.get("/v1/metrics", metrics="exits_before_start,exit_rate", **span)
    assert answer["totals"] == {"exits_before_start": 1, "exit_rate": 0.5}
    now_ms = int(asked.reading.clock() * 1000)
    rows = [
        a_view(number, started_at_ms=now_ms - 120_000, **begun) | {"last_at_ms": now_ms - ago_ms}
        for number, ago_ms in ((3, WATCHED_MS + 1), (4, WATCHED_MS - 1))
    ]
    await asked.insert(VIEWS, rows)
    span = {"from_": now_ms - DAY_MS, "to": now_ms + DAY_MS}
    found = {view["view_id"]: view["exited_before_start"] for view in await pages(asked, **span)}
    assert found == {rows[0]["view_id"]: True, rows[1]["view_id"]: False}


async def test_why_a_session_was_not_counted(asked: Asked) -> None:
    view = a_view(1, counted=False, reasons=["bot", "too_short"], engaged=False, bot=True)
    await asked.insert(VIEWS, [view | {"offset": 0, "revision": 1}, view])
    await asked.insert(
        BEATS,
        [
            report(1, view["view_id"], {"sn": 0, "kind": "start"}, {"sn": 2, "clamped": ["rate"]}),
            report(2, view["view_id"], {"sn": 1}, {"sn": 2}),
            report(3, view["view_id"], {"sn": 5, "kind": "end"}),
            report(4, "f" * 32, {"sn": 7}),
        ],
    )
    answer = await asked.get(f"/v1/views/{view['view_id']}")
    assert (answer["counted"], answer["view"]["revision"], answer["repeated"]) == (False, 5, 1)
    assert [reason["code"] for reason in answer["reasons"]] == ["bot", "too_short"]
    assert all(reason["sentence"].endswith(".") for reason in answer["reasons"])
    assert [(beat["sn"], beat["decided"]) for beat in answer["beats"]] == [
        (0, []), (1, ["late"]), (2, ["clamped:rate", "repeated"]), (5, ["gap_before"]),
    ]  # fmt: skip
    assert answer["beats"][1]["received_at_ms"] == 1002


async def test_of_a_session_without_end_the_first_beats_are_shown(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.analytics.sessions.MOST_SHOWN", 5)
    view = a_view(1)
    await asked.insert(VIEWS, [view])
    beats = [
        report(number, view["view_id"], {"sn": 2 * number}, {"sn": 2 * number + 1}) for number in range(3)
    ]
    await asked.insert(BEATS, beats)
    answer = await asked.get(f"/v1/views/{view['view_id']}")
    assert ([beat["sn"] for beat in answer["beats"]], answer["more"]) == ([0, 1, 2, 3], True)
    monkeypatch.setattr("gateways.analytics.sessions.MOST_SHOWN", 6)
    answer = await asked.get(f"/v1/views/{view['view_id']}")
    assert (len(answer["beats"]), answer["more"]) == (6, False)


async def test_sessions_that_moved_are_found_where_they_are(asked: Asked) -> None:
    view = a_view(1)
    moved = view | {"day": view["day"] - 1, "offset": 5, "started_at_ms": BEGIN_MS - 1000}
    await asked.insert(VIEWS, [view])
    await asked.insert(VIEWS, [view | {"gone": 1, "offset": 5}, moved])
    answer = await asked.get(f"/v1/views/{view['view_id']}")
    assert answer["view"]["started_at_ms"] == BEGIN_MS - 1000
    assert len(await pages(asked, **WHOLE)) == 1


async def test_owners_see_their_own_films_only(asked: Asked) -> None:
    mine, theirs = a_view(1, owner_id=OWNER, asset_id="mine"), a_view(2, owner_id=OTHER, asset_id="theirs")
    nobodys = a_view(3, owner_id="", asset_id="made-up")
    await asked.insert(VIEWS, [mine, theirs, nobodys])
    token = asked.token("creator", OWNER)
    assert [view["asset_id"] for view in (await asked.get("/v1/views", token=token, **WHOLE))["items"]] == [
        "mine"
    ]
    metrics = await asked.get("/v1/metrics", token=token, group_by="asset", **WHOLE)
    assert [row["key"] for row in metrics["rows"]] == ["mine"]
    assert metrics["totals"]["views"] == 1
    await asked.get("/v1/metrics", 403, token=token, owner=OTHER, **WHOLE)
    assert (await asked.get("/v1/videos/theirs/retention", token=token, **WHOLE))["views"] == 0
    assert (await asked.get("/v1/videos/mine/retention", token=token, **WHOLE))["views"] == 1
    for path in ("/v1/startup", "/v1/concurrency", "/v1/funnels/playback", "/v1/delivery"):
        await asked.get(path, token=token, **WHOLE)
        await asked.get(path, 403, token=token, owner=OTHER, **WHOLE)
    await asked.get(f"/v1/views/{mine['view_id']}", token=token)
    await asked.get(f"/v1/views/{theirs['view_id']}", 404, token=token)
    await asked.get(f"/v1/views/{nobodys['view_id']}", 404, token=token)
    await asked.get("/v1/system", 403, token=token)
    await asked.get("/v1/videos/theirs/chat", 403, token=token)
    viewer, analyst = asked.token("viewer", "c" * 32), asked.token("analyst", "d" * 32)
    await asked.get("/v1/metrics", 403, token=viewer)
    assert (await asked.get("/v1/metrics", token=analyst, **WHOLE))["totals"]["views"] == 3


async def test_there_is_no_such_session(asked: Asked) -> None:
    await asked.get(f"/v1/views/{'0' * 32}", 404)
    await asked.get("/v1/views/nonsense", 404)
    await asked.get("/v1/views", 422, cursor="nonsense")
