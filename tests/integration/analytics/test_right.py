"""Reports through the real engine: the same in whatever order, pieces and number they come; built again."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from typing import Any

import pytest

from deploy.chain import Node, find_chain
from deploy.log_reader import LogReader
from schemas.analytics.views import BEATS, DELIVERY, LIVE, VIEW_MEASURED, VIEWS
from schemas.event import Event, deterministic_id
from tests.integration.analytics.sessions import Door, Sessions
from tests.support.verified import differing
from tests.support.worker import Worker
from tests.unit.analytics.telling import T0, report, segment, served, session

AGENTS = ("analytics.view", LIVE, VIEWS, BEATS, DELIVERY)
COUNT = 60  # sessions
SESSION = secrets.token_hex(16)


def ago(things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same beats or segments, of some minutes ago: reports older than a day are refused."""
    by = BEGAN_MS - T0
    return [{**one, **{name: one[name] + by for name in ("ts_ms", "at_ms") if name in one}} for one in things]


BEGAN_MS = time.time_ns() // 60_000_000_000 * 60_000 - 600_000


def watched(seed: int) -> list[dict[str, Any]]:
    """A session with a stall, a pause, a seek and a better rendition, each a little different."""
    rng = random.Random(seed)
    stall, pause = rng.randint(1, 10), rng.randint(1, 30)
    again, sought, hd = 20.4 + stall, 29.4 + stall + pause, {"rendition": "1080p", "bitrate_kbps": 5000}
    told = [
        (0, "starting", 0, {"kind": "start"}), (0.4, "playing", 0, {"kind": "first_frame"}),
        (10.4, "playing", 10, {"kind": "interval"}), (20.4, "rebuffering", 20), (again, "playing", 20),
        (again + 5, "paused", 25), (again + pause + 5, "playing", 25),
        (sought, "seeking", 300 + seed, {"kind": "seek"}), (sought + 0.5, "playing", 300 + seed),
        (sought + 10.5, "playing", 310 + seed, hd),
        (sought + 20.5, "playing", 320 + seed, {**hd, "dropped_frames_total": 3}),
    ]  # fmt: skip
    return ago(session(*told))


def view_id(film: str, number: int) -> str:
    return deterministic_id(film, str(number))


def log_of(film: str) -> list[Event]:
    """What players and the gateway say of COUNT sessions, in order."""
    events = []
    for number in range(COUNT):
        beats, view = watched(number), view_id(film, number)
        events += [report(beats[at : at + 3], view) for at in range(0, len(beats), 3)]
        asked = ago([segment(n, n * 1.5, cmcd=number % 3 == 0, starved=n == 4) for n in range(10)])
        events += [
            served(asked[:6], view_id(film, number + 1000)),
            served(asked[6:], view_id(film, number + 1000)),
        ]
    for number, event in enumerate(events):
        event.id = deterministic_id(film, "event", str(number))
    return events


def mixed(film: str, seed: int) -> list[Event]:
    """The same: cut anew, some of it again, in no order. The gateway's reports stay as they are."""
    rng = random.Random(seed)
    events = [event for event in log_of(film) if "segments" in event.data]
    for number in range(COUNT):
        beats = watched(number)
        told = [*beats, *rng.sample(beats, 5)]
        rng.shuffle(told)
        size = rng.randint(1, 5)
        events += [report(told[at : at + size], view_id(film, number)) for at in range(0, len(told), size)]
    events += rng.sample(events, len(events) // 3)
    rng.shuffle(events)
    return events


def compared(film: str, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By number of the session; what differs between two films is their names alone."""
    numbers = {view_id(film, n): str(n) for n in (*range(COUNT), *range(1000, 1000 + COUNT))}
    names = ("view_id", "asset_id", "gone")
    return {
        numbers[row["view_id"]]: {name: value for name, value in row.items() if name not in names}
        for row in rows
    }


def settled(film: str) -> Any:
    """Whether every session is there with all that is known of it."""

    def check(rows: list[dict[str, Any]]) -> bool:
        found = {number: row["revision"] for number, row in compared(film, rows).items()}
        beats = dict.fromkeys(map(str, range(COUNT)), 11)
        return found == beats | {str(1000 + n): 10 for n in range(0, COUNT, 3)}

    return check


def totals(rows: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Requests and bytes."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        requests, size = found.get(row["rendition"], (0, 0))
        found[row["rendition"]] = requests + row["requests"], size + row["bytes"]
    return found


DELIVERED = {"720p": (COUNT * 10, COUNT * 10 * 500_000)}


async def test_a_session_is_measured_shown_kept_and_built_again(sessions: Sessions) -> None:
    beats = watched(1)
    await sessions.report([report(beats[:4], SESSION), report(beats[4:], SESSION)])
    [view] = await sessions.until(sessions.views, lambda rows: rows and rows[0]["revision"] == len(beats))
    assert (view["counted"], view["stalls"], view["seeks"], view["switches"]) == (True, 1, 1, 1)
    assert view["media_ms"] == 25_000 + 4_000 + 20_000
    assert view["rendition_ms"] == {"720p": 39_000, "1080p": 10_000}
    watching = await sessions.until(sessions.watching, bool)
    assert watching == {SESSION: beats[-1]["at_ms"] + 45_000}
    kept = await sessions.until(sessions.beats, lambda rows: len(rows) == 2)
    assert [sn for row in kept for sn in row["beat.sn"]] == list(range(len(beats)))
    [asked, again] = await asyncio.to_thread(chain, sessions, SESSION)
    assert {child.entry.type for child in asked.children} == {VIEW_MEASURED, "kinolog.engine.TimerSet"}
    assert [child.entry.type for child in again.children] == [VIEW_MEASURED]
    assert await differing(sessions.settings, AGENTS) == []


def chain(sessions: Sessions, view: str) -> list[Node]:
    """What the log has of a session, and what each report led to: `kinolog trace`."""
    with LogReader(sessions.settings) as reader:
        return find_chain(reader, sessions.topology, view)


@pytest.mark.parametrize("seed", [1, 2])
async def test_shuffled_cut_anew_and_repeated_it_is_the_same(sessions: Sessions, seed: int) -> None:
    """Every column of every session, and what is added up: bytes."""
    first, second = sessions.asset_id, f"{sessions.asset_id}-mixed"
    await sessions.report(log_of(first))
    one = compared(first, await sessions.until(sessions.views, settled(first)))
    assert totals(await sessions.until(sessions.delivery, lambda rows: len(rows) == 2 * COUNT)) == DELIVERED
    sessions.asset_id = second
    await sessions.report(mixed(second, seed))
    other = compared(second, await sessions.until(sessions.views, settled(second)))
    assert totals(await sessions.until(sessions.delivery, lambda rows: len(rows) == 2 * COUNT)) == DELIVERED
    assert one == other
    await sessions.quiet()
    assert compared(second, await sessions.views()) == one
    assert totals(await sessions.delivery()) == DELIVERED
    assert await differing(sessions.settings, AGENTS) == []


async def test_killed_in_the_middle_and_without_clickhouse_for_a_while(
    own_sessions: Sessions, measuring: Worker, door: Door, keeping: Worker
) -> None:
    """Intake goes on while ClickHouse is away; all of it is there when that is back, each once."""
    film = own_sessions.asset_id
    events = mixed(film, 3)
    third = len(events) // 3
    await door.open()
    measuring.start()
    keeping.start()
    await own_sessions.report(events[:third])
    await own_sessions.until(own_sessions.views, bool)
    measuring.kill()
    keeping.kill()
    measuring.start()
    await door.shut()
    keeping.start()
    await own_sessions.report(events[third : 2 * third])
    await own_sessions.until(own_sessions.watching, lambda found: len(found) > COUNT // 2)
    await own_sessions.report(events[2 * third :])
    measuring.kill()
    measuring.start()
    await door.open()
    rows = compared(film, await own_sessions.until(own_sessions.views, settled(film)))
    assert rows["7"]["media_ms"] == 49_000
    await own_sessions.until(own_sessions.delivery, lambda found: totals(found) == DELIVERED)
    keeping.kill()
    keeping.start()
    await own_sessions.quiet()
    assert totals(await own_sessions.delivery()) == DELIVERED
    assert await differing(own_sessions.settings, AGENTS) == []
