"""Steps of films through the real projector: the same in whatever order and number their events come."""

from __future__ import annotations

import random
import secrets
from typing import Any

from schemas.analytics.views import STEPS
from schemas.event import deterministic_id
from streams.engine import Out
from tests.integration.analytics.sessions import Door, Sessions
from tests.support.worker import Worker
from tests.unit.media.telling import Story, completed, encoded, plan_of, probed, started

ASSETS = "media.asset.events"
FILMS = 40
Told = tuple[str, str, dict[str, Any], int, str]  # key, type, data, at_ms, ce_id


def log_of(run: str) -> list[Told]:
    """What the media domain says of FILMS films; some got no farther than their upload, one uploads twice."""
    told: list[Told] = []
    for number in range(FILMS):
        key, plan = deterministic_id(run, str(number)), plan_of(seconds=12)
        requests = [started(), completed(), probed(plan), *(encoded(chunk, plan) for chunk in range(4))]
        story, at_ms = Story(), 1_763_800_000_000 + number * 1000
        for place, request in enumerate(requests[: 2 + number % 6]):
            for out in story.when(request).outs:
                if out.topic == ASSETS:
                    told.append(_told(key, out, at_ms + 100 * place))
                    if number == 7 and out.type.endswith("AssetUploaded"):
                        told.append(_told(key, out, at_ms + 100 * place + 50))
    return told


def _told(key: str, out: Out, at_ms: int) -> Told:
    return key, out.type, {**out.data, "asset_id": key}, at_ms, deterministic_id(key, out.type, str(at_ms))


async def steps(sessions: Sessions, run: str) -> list[tuple[Any, ...]]:
    """What stands in the table of a run's films, by their numbers."""
    if not int(await sessions.clickhouse.command(f"EXISTS TABLE {STEPS}")):
        return []
    numbers = {deterministic_id(run, str(number)): number for number in range(FILMS)}
    answer = await sessions.clickhouse.query(
        f"SELECT subject, step, at_ms, owner_id, asset_id = subject FROM {STEPS} FINAL "
        "WHERE subject IN {keys:Array(String)} ORDER BY ALL",
        parameters={"keys": list(numbers)},
    )
    return sorted((numbers[row[0]], *row[1:]) for row in answer.result_rows)


async def tell(sessions: Sessions, told: list[Told]) -> None:
    for key, kind, data, at_ms, ce_id in told:
        await sessions.producer.publish(ASSETS, key, kind, data, at_ms=at_ms, ce_id=ce_id)


async def test_shuffled_and_repeated_steps_are_the_same(
    own_sessions: Sessions, door: Door, keeping: Worker
) -> None:
    await door.open()
    keeping.start()
    first, second = secrets.token_hex(8), secrets.token_hex(8)
    await tell(own_sessions, log_of(first))
    expected = {(key, kind.rpartition(".")[2], at_ms) for key, kind, _, at_ms, _ in log_of(first)}
    kinds = {"AssetCreated", "AssetUploaded", "AssetPlanned", "AssetPlayable", "AssetReady"}
    count = sum(kind in kinds for _, kind, _ in expected)
    one = await own_sessions.until(lambda: steps(own_sessions, first), lambda rows: len(rows) == count)
    assert {row[1] for row in one} == {"created", "uploaded", "planned", "playable", "ready"}
    rng = random.Random(4)
    mixed = log_of(second)
    mixed += rng.sample(mixed, len(mixed) // 3)
    rng.shuffle(mixed)
    await tell(own_sessions, mixed)
    other = await own_sessions.until(lambda: steps(own_sessions, second), lambda rows: len(rows) == count)
    assert one == other
