"""Rebuild and verify on real servers: what is proved, what is refused; readers never go back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.launcher import Stack
from schemas.keys import pointer_key
from schemas.wire import codec
from streams.core.producer import EventProducer, LogUnavailable
from streams.engine.receipts import REBUILT, Report
from streams.engine.replay import SCRATCH_VERSION, Replay, ReplayRefused
from tests.integration.engine.world import PARTITIONS, World, read_back


@pytest.fixture
async def world(stack: Stack, client: Any, tmp_path: Path) -> AsyncIterator[World]:
    made = World(stack.settings, client, tmp_path)
    yield made
    await made.close()


class Disturbed(Replay):
    """A replay with things that happen meanwhile: after the comparison, and after readers went over."""

    compared: Any = None
    gone_over: Any = None
    before: tuple[list[int], list[int]] = ([], [])  # fences of both versions when readers go over

    async def _compare(self, report: Report) -> None:
        await super()._compare(report)
        if self.compared:
            await self.compared()

    async def _move(self, report: Report) -> None:
        old, new = [await self.versions.fences(v) for v in (report.from_version, report.to_version)]
        self.before = ([*old.values()], [*new.values()])
        await super()._move(report)
        if self.gone_over:
            await self.gone_over()


def replay(world: World, agent: str) -> Disturbed:
    made = Disturbed(world.settings, world.topology, agent, world.client, lambda _: None, follow_s=1.0)
    world.replays.append(made)
    return made


async def pointer(world: World) -> bytes | None:
    found: bytes | None = await world.client.get(pointer_key(world.view))
    return found


def receipts(world: World) -> list[dict[str, Any]]:
    """What the log was told of this view."""
    events = [codec().decode(m.value()) for m in read_back(world.settings, "engine.projection.events")]
    return [data for kind, data in events if kind == REBUILT and data["name"] == world.view]


async def test_an_equal_rebuild_goes_over_and_older_versions_stay_until_removed(world: World) -> None:
    await world.ask(120)
    await world.feed(world.view)
    report = await replay(world, world.view).rebuild()
    assert (report.equal, report.records, report.receipt_missing) == (True, 120, "")
    assert list(report.offsets.values()) == await world.fences(world.view, 2) == await world.ends()
    assert await pointer(world) == b"2"
    assert await world.keys(world.view, 1) > 0
    (told,) = receipts(world)
    assert (told["from_version"], told["to_version"], told["records"]) == (1, 2, 120)
    await replay(world, world.view).rebuild()
    assert await pointer(world) == b"3"
    kept = [await world.keys(world.view, version) for version in (1, 2, 3)]
    assert kept[0] == kept[1] == kept[2] > 0
    assert await replay(world, world.view).remove() == [1, 2]
    assert [await world.keys(world.view, version) for version in (1, 2, 3)] == [0, 0, kept[2]]
    assert await pointer(world) == b"3"


async def test_on_a_cluster_too(stack: Stack, cluster_client: Any, tmp_path: Path) -> None:
    world = World(stack.settings, cluster_client, tmp_path)
    await world.ask(60)
    await world.feed(world.view)
    report = await replay(world, world.view).rebuild()
    assert (report.equal, await pointer(world)) == (True, b"2")
    await replay(world, world.view).back()
    assert await pointer(world) == b"1"
    assert await replay(world, world.view).remove() == [2]
    await world.close()


@pytest.mark.parametrize(
    ("suffix", "command", "found"),
    [("state", "hset", "k7"), ("newest", "zadd", "newest/k7")],
)
async def test_a_tampered_key_is_named_and_readers_stay(
    world: World, suffix: str, command: str, found: str
) -> None:
    await world.ask(80)
    await world.feed(world.view)
    partition = world.topology.topic(world.said).partition_of("k7")
    key = f"{world.store(world.view).tag(partition)}:{suffix}"
    if command == "hset":
        await world.client.hset(key, "k7", b'{"entries":[]}')
    else:
        await world.client.zadd(key, {"k7": 1})
    for judge in (replay(world, world.view).verify, replay(world, world.view).rebuild):
        report = await judge()
        assert {label: list(each.sample) for label, each in report.differing.items()} == {
            str(partition): [found]
        }
    assert await pointer(world) is None


async def test_verify_proves_a_deciders_state_and_leaves_nothing_behind(world: World) -> None:
    await world.ask(60, world.asked)
    await world.feed(world.decider)
    said = await world.ends()
    report = await replay(world, world.decider).verify()
    assert (report.equal, report.records) == (True, 60)
    assert await world.keys(world.decider, SCRATCH_VERSION) == 0
    assert await world.ends() == said  # a replay does not speak
    partition = world.topology.topic(world.asked).partition_of("k3")
    await world.client.hdel(f"{world.store(world.decider).tag(partition)}:state", "k3")
    differing = (await replay(world, world.decider).verify()).differing
    assert differing[str(partition)].sample == {"k3": 'only in the new version: {"n":2}'}
    with pytest.raises(ReplayRefused, match="its state has no versions"):
        await replay(world, world.decider).rebuild()


async def test_readers_go_over_to_a_version_that_is_not_behind(world: World) -> None:
    """Between comparison and going over, the running version went on in every partition."""
    await world.ask(60)
    await world.feed(world.view)
    rebuilding = replay(world, world.view)

    async def traffic() -> None:
        await world.ask(60, begin=60)
        await world.feed(world.view)

    rebuilding.compared = traffic
    report = await rebuilding.rebuild()
    old, new = rebuilding.before
    assert old == await world.ends()
    assert all(offset > report.offsets[str(partition)] for partition, offset in enumerate(old))
    assert new == old
    assert await pointer(world) == b"2"


async def test_a_rebuild_under_traffic_is_equal_and_ends_with_everything_that_was_said(world: World) -> None:
    await world.ask(100)
    await world.feed(world.view)
    asked, over = 100, asyncio.Event()

    async def traffic() -> None:
        nonlocal asked
        while not over.is_set():
            await world.ask(10, begin=asked)
            asked += 10
            await world.feed(world.view)

    going_on = asyncio.create_task(traffic())
    report = await replay(world, world.view).rebuild()
    over.set()
    await going_on
    assert (report.equal, await pointer(world)) == (True, b"2")
    assert asked > 100
    await world.feed(world.view, 2)
    held: list[int] = []
    for partition in range(PARTITIONS):
        documents = await world.client.hvals(f"{world.store(world.view, 2).tag(partition)}:state")
        held += [n for document in documents for n in json.loads(document)["entries"]]
    assert sorted(held) == list(range(asked))


async def test_the_new_version_is_fed_until_its_worker_comes_whatever_becomes_of_the_receipt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.ask(40)
    await world.feed(world.view)
    rebuilding = replay(world, world.view)
    publish = EventProducer.publish

    async def more() -> None:
        await world.ask(40, begin=40)

        async def refused(self: EventProducer, topic: str, *args: Any, **kwargs: Any) -> Any:
            raise LogUnavailable("the broker did not acknowledge")

        monkeypatch.setattr(EventProducer, "publish", refused)

    rebuilding.gone_over = more
    report = await rebuilding.rebuild()
    monkeypatch.setattr(EventProducer, "publish", publish)
    assert report.receipt_missing == "the broker did not acknowledge"
    assert receipts(world) == []
    assert await world.fences(world.view, 2) == await world.ends()
    assert await world.fences(world.view, 1) == list(report.caught_up.values())


async def test_following_ends_where_the_worker_has_come(world: World) -> None:
    await world.ask(40)
    await world.feed(world.view)
    rebuilding = replay(world, world.view)

    async def the_worker_comes() -> None:
        await world.ask(40, begin=40)
        await world.feed(world.view, 2)

    rebuilding.gone_over = the_worker_comes
    rebuilding._follow_s = 600.0
    report = await rebuilding.rebuild()
    assert report.records == 40
    assert await world.fences(world.view, 2) == await world.ends()


async def test_another_rebuild_that_went_over_meanwhile_wins(world: World) -> None:
    await world.ask(40)
    await world.feed(world.view)
    rebuilding = replay(world, world.view)

    async def another() -> None:
        await world.client.set(pointer_key(world.view), "7")

    rebuilding.compared = another
    with pytest.raises(ReplayRefused, match="another rebuild"):
        await rebuilding.rebuild()
    assert await pointer(world) == b"7"
    assert await world.keys(world.view, 1) > 0
