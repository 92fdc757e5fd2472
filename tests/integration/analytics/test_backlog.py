"""How far consumers are behind, by Kafka's account."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from deploy.local.launcher import Stack
from gateways.analytics.backlog import Backlog
from schemas.analytics.views import PLAYBACK
from schemas.catalog import load_topology
from tests.integration.analytics.sessions import Sessions
from tests.unit.analytics.telling import beat, report

PATIENCE_S = 240.0


def of(found: list[dict[str, Any]], consumer: str) -> dict[str, Any]:
    [one] = [each for each in found if (each["consumer"], each["topic"]) == (consumer, PLAYBACK)]
    return one


async def told(backlog: Backlog) -> list[dict[str, Any]]:
    """What it finds, once a busy broker answers it in its time."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := await backlog.read()) is None:
            pass
    return found


async def test_what_nobody_has_done_waits(own_sessions: Sessions) -> None:
    backlog = Backlog(own_sessions.settings, load_topology())
    before = of(await told(backlog), "analytics")
    heard = [beat(0, 0, "playing", at_ms=1, ts_ms=1)]
    await own_sessions.report([report(heard, f"{number:032x}") for number in range(20)])
    after = of(await told(backlog), "analytics")
    assert after["agents"] == ["analytics.view"]
    assert after["events"] == before["events"] + 20
    assert after["oldest_ms"] is not None
    assert after["oldest_ms"] < 3_600_000
    await backlog.close()


async def test_what_is_done_does_not(sessions: Sessions, platform_stack: Stack) -> None:
    backlog = Backlog(platform_stack.settings, load_topology())
    now_ms = time.time_ns() // 1_000_000
    await sessions.report([report([beat(0, 0, "playing", at_ms=now_ms, ts_ms=now_ms)])])
    found = await sessions.until(lambda: told(backlog), lambda found: of(found, "analytics")["events"] == 0)
    assert of(found, "analytics")["oldest_ms"] == 0
    await backlog.close()


async def test_a_broker_that_is_away_is_said(stack: Stack) -> None:
    settings = stack.settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})
    backlog = Backlog(settings, load_topology())
    assert await backlog.read() is None
    await backlog.close()
