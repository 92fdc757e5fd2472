"""`python -m tests.chaos.playback`: players report a million beats while everything under them is killed.

Reports come in any order, some twice, and again whenever one was not acknowledged. Afterwards every session
is measured as if nothing had happened, and the projections are what the log makes of them. Ends with 1 if
anything differs.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import click

from deploy.local.launcher import Stack
from gateways.analytics.beats import checked
from schemas.analytics.views import BEATS, LIVE, VIEWS
from streams.core.clients import clickhouse_client
from tests.chaos.command import Pause, Told, deal, run
from tests.support.verified import differing
from tests.unit.analytics.telling import measured, report

KINDS: Final = ("gateways", "worker-analytics", "worker-history", "kafka", "redis", "clickhouse")
UNLIMITED: Final = json.dumps({"beat": {"ip": "off"}})
"""RATE_LIMITS of the stack: all players of the script have one address."""
AGENTS: Final = ("analytics.view", LIVE, VIEWS, BEATS)
COLUMNS: Final = (
    "revision", "watched_ms", "playing_ms", "media_ms", "covered_ms", "stalled_ms", "stalls", "seeks",
    "switches", "dropped_frames",
)  # fmt: skip
BEATS_A_SESSION: Final = 20
REPORTS_AT_ONCE: Final = 20
PLAYERS: Final = 6
AGAIN: Final = 0.1
"""Of the reports are sent once more, though they were acknowledged."""
SETTLED_S: Final = 600.0
BACKOFF_S: Final = 0.25

Measures = Counter[tuple[int, ...]]


@dataclass
class Audience:
    """Sessions of one film, and how they are told of."""

    asset: str
    beats: int
    dice: random.Random
    sessions: list[list[dict[str, Any]]] = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = [self._watch() for _ in range(self.beats // BEATS_A_SESSION)]

    def _watch(self) -> list[dict[str, Any]]:
        """What one player does: it plays, stalls, pauses and seeks, at no particular times."""
        dice, at_ms, head_ms = self.dice, time.time_ns() // 1_000_000 - 3_600_000, 0
        beats, state = [], "starting"
        for sn in range(BEATS_A_SESSION):
            beats.append(
                {
                    "sn": sn, "ts_ms": at_ms, "kind": "state", "state": state, "playhead_ms": head_ms,
                    "rendition": dice.choice(("720p", "1080p")), "dropped_frames_total": sn,
                }
            )  # fmt: skip
            spent_ms = dice.randrange(200, 10_000)
            at_ms += spent_ms
            head_ms = (
                dice.randrange(600_000) if state == "seeking" else head_ms + spent_ms * (state == "playing")
            )
            state = dice.choice(("playing", "playing", "playing", "rebuffering", "paused", "seeking"))
        return beats

    def expected(self) -> Measures:
        """How often each measure comes up."""
        found: Measures = Counter()
        for beats in self.sessions:
            kept, _ = checked(beats, beats[-1]["ts_ms"])
            one = measured([report(kept, film_ms=None)])
            found[tuple(one[name] for name in COLUMNS)] += 1
        return found

    def requests(self) -> Iterator[list[dict[str, Any]]]:
        """The sessions cut into reports, in no order."""
        reports = []
        for beats in self.sessions:
            sid, cuts = uuid.uuid4().hex, sorted(self.dice.sample(range(1, BEATS_A_SESSION), 3))
            for begin, end in zip((0, *cuts), (*cuts, BEATS_A_SESSION), strict=True):
                reports.append({"sid": sid, "asset": self.asset, "beats": beats[begin:end]})
        reports += self.dice.sample(reports, round(len(reports) * AGAIN))
        self.dice.shuffle(reports)
        for at in range(0, len(reports), REPORTS_AT_ONCE):
            yield reports[at : at + REPORTS_AT_ONCE]


async def play(stack: Stack, blows: list[str], beats: int, pause_s: Pause, seed: int) -> Told:
    """One audience on a running stack, whose processes are killed and started again."""
    began_s, dice = time.monotonic(), random.Random(seed)
    audience = Audience(f"chaos-{uuid.uuid4().hex[:8]}", beats, dice)
    waiting = list(audience.requests())
    sent = sum(len(one["beats"]) for reports in waiting for one in reports)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        players = [asyncio.create_task(_tell(http, stack.url("analytics"), waiting)) for _ in range(PLAYERS)]
        await deal(stack, blows, dice, pause_s)
        await asyncio.gather(*players)
    faults = await settled(stack, audience)
    faults += [f"verify: {one}" for one in await differing(stack.settings, AGENTS)]
    did = f"{beats} beats, {sent} with repeats"
    return Told(faults, did, Counter(blows), time.monotonic() - began_s)


async def _tell(http: aiohttp.ClientSession, url: str, waiting: list[list[dict[str, Any]]]) -> None:
    """Report until nothing waits; what is not acknowledged is sent again."""
    while waiting:
        reports = waiting.pop()
        wanted = sum(len(one["beats"]) for one in reports)
        while True:
            try:
                async with http.post(f"{url}/v1/beats", json=reports) as answer:
                    if answer.status == 202:
                        taken = await answer.json()
                        assert (taken["accepted"], taken["refused"]) == (wanted, [])
                        break
                    if answer.status not in (500, 502, 503, 504):
                        raise RuntimeError(f"POST /v1/beats: {answer.status} {await answer.text()}")
            except (aiohttp.ClientError, TimeoutError):
                pass  # it may have been taken, or not
            await asyncio.sleep(BACKOFF_S)


async def settled(stack: Stack, audience: Audience) -> list[str]:
    """Wait until all sessions are measured to the end; how what is measured differs from what should be."""
    expected, until_s = audience.expected(), time.monotonic() + SETTLED_S
    found: Measures = Counter()
    while time.monotonic() < until_s:
        found = await _measured(stack, audience.asset)
        if found == expected:
            return []
        await asyncio.sleep(1.0)
    missing, more = expected - found, found - expected
    return [f"{missing.total()} sessions are wrong: {more.most_common(3)} for {missing.most_common(3)}"]


async def _measured(stack: Stack, asset: str) -> Measures:
    client = await clickhouse_client(stack.settings)
    try:
        names = ", ".join(COLUMNS)
        answer = await client.query(
            f"SELECT {names}, count() FROM {VIEWS} FINAL WHERE asset_id = {{asset:String}} GROUP BY {names}",
            parameters={"asset": asset},
        )
        return Counter({tuple(row[:-1]): row[-1] for row in answer.result_rows})
    finally:
        await client.close()


@click.command()
@click.option("--each", default=3, help="Blows of every kind.")
@click.option("--beats", default=1_000_000)
@click.option("--pause", default="2.0-6.0", help="Seconds between blows, FROM-TO.")
@click.option("--seed", default=7)
def main(each: int, beats: int, pause: str, seed: int) -> None:
    """Run, print what happened, judge."""

    async def report_all(stack: Stack, _: Path, blows: list[str], pause_s: Pause) -> Told:
        return await play(stack, blows, beats, pause_s, seed)

    run(KINDS, each, pause, seed, UNLIMITED, report_all)


if __name__ == "__main__":
    main()
