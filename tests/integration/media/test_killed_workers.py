"""Whatever is killed in the middle of a film, the film comes out the same, byte for byte."""

from __future__ import annotations

from deploy.local.launcher import Stack
from tests.integration.media.platform import Platform

WORKER = "worker-media-work"


def relative(asset_id: str, stored: dict[str, bytes]) -> dict[str, bytes]:
    return {key.removeprefix(f"assets/{asset_id}/"): data for key, data in stored.items()}


async def quiet_run(own: Platform, film: bytes) -> dict[str, bytes]:
    asset_id = await own.upload("quiet.mp4", film)
    assert (await own.ended(asset_id))["state"] == "ready"
    return relative(asset_id, await own.stored(asset_id))


async def test_a_worker_killed_in_the_middle_of_a_chunk(
    own: Platform, own_stack: Stack, long_clip: bytes
) -> None:
    expected = await quiet_run(own, long_clip)
    asset_id = await own.upload("killed.mp4", long_clip)
    for _ in range(2):
        work = await own.working(asset_id, "chunk")
        own_stack.restart(WORKER)
        assert work["work"]
    document = await own.ended(asset_id)
    assert document["state"] == "ready"
    assert relative(asset_id, await own.stored(asset_id)) == expected
    rows = await own.log(asset_id, "StoryboardAdded")
    accepted = [row for row in rows if row["type"].endswith(".ChunkAccepted")]
    assert len(accepted) == document["progress"]["chunks_total"]


async def test_an_emptied_store_in_the_middle_of_a_film(
    own: Platform, own_stack: Stack, long_clip: bytes
) -> None:
    """Leases, states and projections are gone at once: a replay brings them back, and the film goes on."""
    asset_id = await own.upload("emptied.mp4", long_clip)
    await own.until(asset_id, lambda d: d["progress"]["chunks_done"] >= 2)
    await own.redis.flushall()
    document = await own.ended(asset_id)
    assert document["state"] == "ready"
    assert document["progress"]["chunks_done"] == document["progress"]["chunks_total"]
