"""Whatever is killed in the middle of a film, the film comes out the same, byte for byte."""

from __future__ import annotations

from pathlib import Path

from deploy.local.launcher import Stack
from tests.integration.media.platform import Platform
from tests.integration.media.protected import ask, shown
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected

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


async def test_a_worker_killed_while_a_finished_film_is_protected(
    own: Platform, own_stack: Stack, tmp_path: Path
) -> None:
    film = make_clip(tmp_path / "film.mp4", frame_count=480, width=320, height=180)
    async with connected(own_stack) as api:
        asset_id = await api.upload_file(film.path)
        before = await own.ended(asset_id)
        clear, frames = before["plan"]["profile_hash"], await shown(own, before)
        assert (await ask(api, asset_id, {"scheme": "cbcs"}))[0] == 202
        await own.working(asset_id, "chunk")
        own_stack.restart(WORKER)
        after = await own.until(asset_id, lambda d: d["protection"] is not None)
        assert await shown(own, after) == frames
        rows = await own.log(asset_id, "RenditionsErased")
        accepted = [row for row in rows if row["type"].endswith(".ChunkAccepted")]
        assert len(accepted) == 2 * after["plan"]["chunk_count"]
        assert len([row for row in rows if row["type"].endswith(".AssetProtected")]) == 1
        assert all(clear not in key for key in await own.keys(asset_id))
