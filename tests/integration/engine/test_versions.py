"""Changed code, going back, tables, and a rebuilder that is killed: on real servers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local.launcher import Stack
from deploy.local.layout import CHECKOUT
from schemas.event import Event
from schemas.keys import pointer_key
from streams.engine import digests, reading, versions
from streams.engine.agents import State
from streams.engine.ops import Op
from streams.engine.reading import LogAway, Place, Reading
from streams.engine.replay import SCRATCH_VERSION, Replay
from streams.engine.versions import ReplayRefused, right_of
from tests.integration.engine import rebuilder
from tests.integration.engine.world import DDL, World


@pytest.fixture
async def world(stack: Stack, client: Any, tmp_path: Path) -> AsyncIterator[World]:
    made = World(stack.settings, client, tmp_path)
    await made.table(1).create(DDL)
    yield made
    await made.close()


def replay(world: World, name: str, say: Callable[[str], None] = lambda _: None) -> Replay:
    made = Replay(world.settings, world.topology, name, world.client, say, follow_s=1.0)
    world.replays.append(made)
    return made


async def pointer(world: World, name: str) -> bytes | None:
    found: bytes | None = await world.client.get(pointer_key(name))
    return found


def counting(state: State | None, event: Event) -> tuple[State | None, list[Op]]:
    """The view's code, changed on purpose: a count in place of the entries, no sorted set."""
    return {"count": (state or {"count": 0})["count"] + 1}, []


async def test_changed_code_is_shown_refused_accepted_and_gone_back_from(world: World) -> None:
    await world.ask(80)
    await world.feed(world.view)
    world.project, before = counting, world.project
    report = await replay(world, world.view).rebuild()
    assert (report.equal, report.went_over, await pointer(world, world.view)) == (False, False, None)
    assert sum(each.count for each in report.differing.values()) == 80  # 40 documents, 40 of the sorted set
    partition = str(world.topology.topic(world.said).partition_of("k7"))
    assert report.differing[partition].sample["k7"] == ("count: (nothing) -> 2; entries: [7,47] -> (nothing)")
    assert await world.keys(world.view, 2) == 0
    report = await replay(world, world.view).rebuild(accept=True)
    assert (report.equal, report.went_over, await pointer(world, world.view)) == (False, True, b"2")
    assert (await replay(world, world.view).verify()).equal
    await world.ask(40, begin=80)
    world.project = before
    report = await replay(world, world.view).back()
    assert (report.from_version, report.to_version, await pointer(world, world.view)) == (2, 1, b"1")
    assert await world.fences(world.view, 1) == await world.ends()  # what came since is in it
    assert (await replay(world, world.view).verify()).equal
    assert await replay(world, world.view).remove() == [2]
    with pytest.raises(ReplayRefused, match="no older one is kept"):
        await replay(world, world.view).back()


async def test_keys_of_every_kind_are_compared_in_pages_while_they_change(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "PAGE", 3)
    monkeypatch.setattr(digests, "AGAIN", 2)

    def every_kind(state: State | None, event: Event) -> tuple[State | None, list[Op]]:
        n, entry = event.data["due_at_ms"], f"{event.offset + 1}-1"
        return {"n": n}, [
            Op("SET", "string", n), Op("HSET", "hash", n, n), Op("SADD", "set", n), Op("ZADD", "zset", n, n),
            Op("LPUSH", "list", n), Op("LTRIM", "list", 0, 19), Op("XADD", "stream", entry, "n", n),
        ]  # fmt: skip

    world.project = every_kind
    await world.ask(200)
    await world.feed(world.view)
    one = replay(world, world.view)
    read, asked = digests._at_once, 200

    async def with_traffic(client: Any, tag: str, members: Any) -> Any:
        nonlocal asked
        if asked < 260:
            await world.ask(10, begin=asked)
            asked += 10
            await world.feed(world.view)
        return await read(client, tag, members)

    async def moves_on() -> None:
        await world.ask(20, begin=1000)
        await world.feed(world.view)

    monkeypatch.setattr(digests, "_at_once", with_traffic)
    compare = one.versions.compare

    async def after_more(*args: Any) -> Any:
        await moves_on()
        return await compare(*args)

    monkeypatch.setattr(one.versions, "compare", after_more)
    assert (await one.verify()).equal
    assert asked > 200
    tag = world.store(world.view).tag(0)
    kinds = {"hash": "hset", "set": "sadd", "list": "lset", "stream": "xadd", "zset": "zadd", "string": "set"}
    for kind, command in kinds.items():
        args: tuple[Any, ...] = {
            "hash": ("new", 1), "set": ("new",), "list": (5, "new"), "stream": ({"n": 1},),
            "zset": ({"new": 1},), "string": ("new",),
        }[kind]  # fmt: skip
        await getattr(world.client, command)(f"{tag}:{kind}", *args)
    report = await replay(world, world.view).verify()
    found = {key.partition("/")[0] for key in report.differing["0"].sample}
    assert (found, report.differing["0"].count) == (set(kinds), len(kinds))


async def table_rows(world: World, version: int) -> list[Any]:
    found = await world.table(version).rows(
        f"SELECT partition, offset, key, due_at_ms FROM {world.table(version).name} ORDER BY ALL"
    )
    return list(found)


async def test_a_table_is_verified_a_corrupted_row_found_and_mended(world: World) -> None:
    await world.ask(90)
    await world.feed(world.log)
    rows = await table_rows(world, 1)
    assert len(rows) == 90
    said: list[str] = []
    report = await replay(world, world.name, said.append).verify()
    assert (report.name, report.equal, report.records) == (world.name, True, 90)
    partition, offset, _, due_at_ms = rows[4]
    await world.table(1).command(
        f"ALTER TABLE {world.name} UPDATE due_at_ms = 7777777 WHERE partition = {partition} "
        f"AND offset = {offset} SETTINGS mutations_sync = 1"
    )
    report = await replay(world, world.log).rebuild()  # an agent's name means its table
    label = f"{world.said}:{partition}"
    assert {name: each.sample for name, each in report.differing.items()} == {
        label: {f"offset {offset}": f"due_at_ms: 7777777 -> {due_at_ms}"}
    }
    assert await replay(world, world.name).versions.kept() == {1}
    report = await replay(world, world.name).rebuild(accept=True)
    assert (report.went_over, await pointer(world, world.name)) == (True, b"2")
    assert await table_rows(world, 2) == rows
    assert await replay(world, world.name).remove() == [1]
    assert (await replay(world, world.name).verify()).equal


@pytest.mark.parametrize("how", ["TRUNCATE TABLE", "DROP TABLE"])
async def test_a_table_that_lost_everything_is_rebuilt_equal(world: World, how: str) -> None:
    await world.ask(70)
    await world.feed(world.log)
    rows = await table_rows(world, 1)
    await world.table(1).command(f"{how} {world.name}")
    report = await replay(world, world.name).rebuild()
    assert (report.went_over, set(report.offsets.values())) == (True, {-1})
    assert sum(report.behind.values()) == 70
    assert await table_rows(world, 2) == rows
    assert (await replay(world, world.name).verify()).equal


async def test_a_truncated_table_is_also_healed_by_its_agents_next_life(world: World) -> None:
    await world.ask(70)
    await world.feed(world.log)
    rows = await table_rows(world, 1)
    await world.table(1).command(f"TRUNCATE TABLE {world.name}")
    await world.feed(world.log)
    assert await table_rows(world, 1) == rows


async def test_a_tables_changed_code_may_give_no_rows(world: World) -> None:
    await world.ask(60)
    await world.feed(world.log)
    before = world.rows
    world.rows = lambda event: before(event) if event.data["due_at_ms"] < 30 else []
    report = await replay(world, world.name).rebuild(accept=True)
    assert sum(each.count for each in report.differing.values()) == 30
    assert len(await table_rows(world, 2)) == 30
    world.rows = before
    await replay(world, world.name).back()
    assert await pointer(world, world.name) == b"1"
    assert (await replay(world, world.name).verify()).equal


async def test_one_at_a_time_and_a_killed_one_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "LEASE_S", 2.0)
    monkeypatch.setattr(versions, "RENEW_S", 0.2)
    await world.ask(20)
    await world.feed(world.view)
    said: list[str] = []
    async with right_of(world.client, world.view, said.append):
        with pytest.raises(ReplayRefused, match="another rebuild or verification of it is running"):
            await replay(world, world.view, said.append).verify()
    # Killed: it holds the right, renews it no more, and half of its version is there.
    assert await versions.Right(world.client, world.view).take()
    await world.client.hset(f"{world.store(world.view, 2).tag(0)}:state", "k1", b"{}")
    await world.client.hset(f"{world.store(world.view, SCRATCH_VERSION).tag(0)}:meta", "fence", 3)
    report = await replay(world, world.view, said.append).rebuild()
    assert (report.equal, await pointer(world, world.view)) == (True, b"2")
    assert any("waiting for another" in line for line in said)
    assert await replay(world, world.view).remove() == [1, SCRATCH_VERSION]


@pytest.mark.parametrize(
    ("step", "name"), [("apply", "log"), ("_go_over", "view"), ("_move", "log"), ("_follow", "view")]
)
async def test_a_rebuilder_that_is_killed_loses_nothing_and_the_next_one_ends_it(
    world: World, stack: Stack, step: str, name: str
) -> None:
    await world.ask(60)
    agent = getattr(world, name)
    await world.feed(agent)
    one = replay(world, agent)
    command = [sys.executable, "-m", rebuilder.__name__, world.name, str(world.topology.path), agent, step]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=CHECKOUT, env={**os.environ, **stack.env}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(120):
        assert (await process.stdout.readline()).decode().strip() == rebuilder.REACHED
    process.kill()
    await process.wait()
    went_over = step == "_follow"
    assert await pointer(world, one.name) == (b"2" if went_over else None)
    assert await one.versions.kept() == {1, 2}
    await world.client.pexpire(f"rebuild:{{{one.name}}}", 1)  # what it held runs out
    await world.ask(30, begin=60)
    report = await one.rebuild()
    assert (report.equal, report.went_over, report.to_version) == (True, True, 3 if went_over else 2)
    assert list(report.caught_up.values()) == await world.ends()
    assert (await one.verify()).equal


async def test_who_lost_the_right_does_not_go_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.ask(20)
    await world.feed(world.view)
    one = replay(world, world.view)
    catch_up = one._catch_up

    async def frozen(report: Any) -> None:
        await catch_up(report)
        await world.client.set(f"rebuild:{{{world.view}}}", "another")

    monkeypatch.setattr(one, "_catch_up", frozen)
    with pytest.raises(ReplayRefused, match="by another rebuild"):
        await one.rebuild()
    assert await pointer(world, world.view) is None


async def test_a_broker_that_is_away_is_one_sentence(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reading, "TIMEOUT_S", 1.0)
    place = Place(world.said, 0)
    away = Reading(world.settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"}), [place])
    with pytest.raises(LogAway, match="start it"):
        await away.ends()
    with pytest.raises(LogAway, match="start it"):
        async for _ in away.chunks({place: (0, 5)}, 10):
            pass
    await asyncio.to_thread(away.close)
    assert capfd.readouterr() == ("", "")


async def test_records_that_are_gone_are_not_skipped(world: World) -> None:
    await world.ask(60)
    await world.feed(world.view)
    await world.lose_begin(0, 3)
    with pytest.raises(LogAway, match="no longer has the records"):
        await replay(world, world.view).verify()
