"""A new definition is built beside the one in force, compared with it, and takes over when it is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.analytics.views import VIEWS
from schemas.event import Event
from schemas.keys import table_of
from streams.analytics import projections
from streams.engine.replay import Replay
from tests.integration.analytics.sessions import Door, Sessions
from tests.integration.analytics.test_right import view_id, watched
from tests.support.worker import Worker
from tests.unit.analytics.telling import report

ENGAGED_MS = 60_000  # the new definition: none of these sessions is engaged any more
COUNT = 5

views = projections.views


def stricter(event: Event) -> list[dict[str, Any]]:
    return [{**row, "engaged": row["media_ms"] >= ENGAGED_MS} for row in views(event)]


async def test_a_new_definition_beside_the_old_one(
    own_sessions: Sessions, measuring: Worker, door: Door, keeping: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = own_sessions.asset_id
    await door.open()
    measuring.start()
    keeping.start()
    await own_sessions.report([report(watched(n), view_id(film, n)) for n in range(COUNT)])
    await own_sessions.until(own_sessions.views, lambda rows: len(rows) == COUNT)
    await own_sessions.quiet()
    for worker in (measuring, keeping):
        worker.kill()

    def replay() -> Replay:
        return Replay(
            own_sessions.settings,
            own_sessions.topology,
            VIEWS,
            own_sessions.redis,
            lambda _: None,
            follow_s=0.0,
        )

    async def engaged(version: int) -> int:
        rows = await own_sessions.rows(table_of(VIEWS, version), "view_id")
        return sum(row["engaged"] for row in rows)

    made = replay()
    try:
        assert (await made.verify()).equal
        monkeypatch.setattr(projections, "views", stricter)
        told = await made.rebuild()
        assert sum(each.count for each in told.differing.values()) >= COUNT
        samples = [why for each in told.differing.values() for why in each.sample.values()]
        assert any("engaged" in why for why in samples)
        assert await engaged(1) == COUNT  # nothing went over
        assert (await made.rebuild(accept=True)).to_version == 2
        assert (await engaged(1), await engaged(2)) == (COUNT, 0)
        monkeypatch.setattr(projections, "views", views)
        assert (await made.back()).to_version == 1
        assert await made.remove() == [2]
    finally:
        await made.close()
