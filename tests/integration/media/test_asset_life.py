"""An asset's life on the real stack, asked for and seen as gateways do."""

from __future__ import annotations

import orjson
import pytest

from schemas.media import objects as keys
from schemas.media.grid import plan_cuts
from streams.media import boxes
from tests.integration.media.platform import Document, Platform, chains


async def test_a_clip_becomes_ready_and_every_byte_is_where_the_plan_says(
    media: Platform, clip: bytes
) -> None:
    asset_id = await media.upload("clip.mp4", clip)
    document = await media.ended(asset_id)
    assert document["state"] == "ready"
    assert (document["width"], document["height"], document["duration_ms"]) == (640, 360, 6000)
    assert document["progress"] == {"percent": 100, "chunks_done": 2, "chunks_total": 2, "eta_s": 0}
    plan, stored = document["plan"], await media.stored(asset_id)
    assert sorted(stored) == sorted(_expected_keys(asset_id, document))
    for rendition in [*document["renditions"], document["audio"]]:
        init = stored[keys.init_key(asset_id, plan["profile_hash"], rendition["name"])]
        assert boxes.codecs_of(init) == rendition["codecs"]
        sizes = [
            len(stored[keys.segment_key(asset_id, plan["profile_hash"], rendition["name"], n)])
            for n in range(plan["segment_count"])
        ]
        assert rendition["average_bandwidth"] == pytest.approx(sum(sizes) * 8 / 6, rel=0.02)
        assert rendition["average_bandwidth"] <= rendition["bandwidth"]


def _expected_keys(asset_id: str, document: Document) -> list[str]:
    plan = document["plan"]
    profile_hash, names = plan["profile_hash"], [*(r["name"] for r in plan["renditions"]), "audio"]
    segments = range(len(plan_cuts(plan)) - 1)
    return [
        *(keys.init_key(asset_id, profile_hash, name) for name in names),
        *(keys.segment_key(asset_id, profile_hash, name, n) for name in names for n in segments),
        *(keys.summary_key(asset_id, profile_hash, n) for n in range(plan["chunk_count"])),
        *(keys.sheet_key(asset_id, profile_hash, n) for n in range(document["storyboard"]["sheet_count"])),
        keys.poster_key(asset_id, profile_hash),
    ]


async def test_every_step_is_on_the_log_and_leads_back_to_its_cause(media: Platform, clip: bytes) -> None:
    asset_id = await media.upload("clip.mp4", clip)
    await media.ended(asset_id)
    rows = await media.traced(asset_id, "StoryboardAdded")
    assert len({row["id"] for row in rows}) == len(rows)
    [chain] = chains(rows, "StoryboardAdded")
    assert [row["type"].rpartition(".")[2] for row in reversed(chain)] == [
        "UploadCompleted",
        "ProbeRequested",
        "SourceProbed",
        "ChunkRequested",
        "ChunkEncoded",
        "StoryboardRequested",
        "StoryboardMade",
        "StoryboardAdded",
    ]
    accepted = [orjson.loads(row["data"]) for row in rows if row["type"].endswith(".ChunkAccepted")]
    assert sorted(data["chunk_index"] for data in accepted) == [0, 1]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"just some words, no film at all\n" * 1000, "not_video"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nhttp://169.254.169.254/a.ts\n", "playlist"),
    ],
)
async def test_what_is_no_film_fails_with_its_reason(media: Platform, content: bytes, code: str) -> None:
    asset_id = await media.upload("no-film.mp4", content)
    document = await media.ended(asset_id)
    assert (document["state"], document["failure"]["code"]) == ("failed", code)
    assert document["failure"]["sentence"].endswith(".")


async def test_a_source_that_lost_a_part_fails_with_its_reason(media: Platform, clip: bytes) -> None:
    asset_id = await media.begin("holes.mp4")
    source = {
        "size_bytes": len(clip),
        "part_size_bytes": 65536,
        "part_count": -(-len(clip) // 65536),
        "source_hash": "0" * 64,
    }
    await media.ask(asset_id, "UploadCompleted", source=source)
    document = await media.ended(asset_id)
    assert document["failure"]["code"] == "source_missing"


async def test_a_ready_asset_is_deleted_to_the_last_object(media: Platform, clip: bytes) -> None:
    asset_id, other = await media.upload("clip.mp4", clip), await media.upload("the same.mp4", clip)
    await media.ended(asset_id)
    await media.ended(other)
    await media.ask(asset_id, "DeletionRequested")
    document = await media.until(asset_id, lambda d: d["state"] == "deleted" and d["erased"])
    kept = {"id", "state", "created_at_ms", "updated_at_ms", "erased", "owner_id", "visibility"}
    assert set(document) == kept
    assert await media.keys(asset_id) == []
    assert await media.keys(other) != []  # the same film, uploaded twice, shares nothing


async def test_deleting_in_the_middle_stops_the_work_and_leaves_nothing(
    media: Platform, long_clip: bytes
) -> None:
    asset_id = await media.upload("long.mp4", long_clip)
    await media.working(asset_id, "chunk")
    await media.ask(asset_id, "DeletionRequested")
    await media.until(asset_id, lambda d: d["state"] == "deleted" and d["erased"])
    # What was in hand when it was deleted is dropped within a lease renewal, and cleared away.
    await media.until_idle(asset_id)
    assert await media.keys(asset_id) == []


async def test_an_upload_deleted_on_its_way_leaves_nothing(media: Platform, clip: bytes) -> None:
    asset_id = await media.begin("late.mp4")
    await media.ask(asset_id, "DeletionRequested")
    await media.until(asset_id, lambda d: d["state"] == "deleted" and d["erased"])
    await media.finish(asset_id, clip)  # a gateway that did not hear of it
    await media.until_gone(asset_id)


async def test_an_upload_that_failed_is_cleared_away(media: Platform) -> None:
    asset_id = await media.begin("broken.mp4")
    await media.objects.put(keys.part_key(asset_id, 0), b"half a part", "application/octet-stream")
    await media.ask(asset_id, "UploadFailed", code="connection_lost", sentence="Upload it again.")
    document = await media.ended(asset_id)
    assert document["failure"] == {"code": "connection_lost", "sentence": "Upload it again."}
    await media.until_gone(asset_id)
