"""A film that was there in clear is protected: it plays until it is, and then nothing is left in clear."""

from __future__ import annotations

import json

import orjson

from deploy.local.launcher import Stack
from schemas.media import objects as keys
from tests.integration.media.platform import Platform
from tests.integration.media.protected import ask, content_keys, shown
from tests.support.api import connected
from tests.support.planting import BOOK


async def test_a_finished_film_is_protected_and_protected_otherwise(
    platform_stack: Stack, media: Platform, clip: bytes
) -> None:
    async with connected(platform_stack) as api:
        asset_id = await api.upload(clip, "Clear")
        early = await ask(api, asset_id, {"scheme": "cenc"})
        assert (early[0], early[1]["code"]) == (409, "asset_not_ready")
        before = await media.ended(asset_id)
        clear, frames = before["plan"]["profile_hash"], await shown(media, before)

        wish = {"scheme": "cenc", "systems": ["widevine", "clearkey"], "policy": "default"}
        status, begun = await ask(api, asset_id, wish, Idempotency_Key="once")
        assert (status, begun["asset"]["protection"]) == (202, None)
        assert begun["asset"]["protecting"]["systems"] == ["clearkey", "widevine"]
        assert (await ask(api, asset_id, wish, Idempotency_Key="once"))[0] == 202
        busy = await ask(api, asset_id, {"scheme": "cbcs"})
        assert (busy[0], busy[1]["code"]) == (409, "protection_running")
        segment = f"/v1/assets/{asset_id}/media/{clear}/360p/0.m4s"
        during = await media.document(asset_id)
        if during is not None and during["protection"] is None:  # a fast machine may be done by now
            assert await api.get(segment)

        after = await media.until(asset_id, lambda d: d["protection"] is not None)
        plan = after["plan"]
        assert (plan["protection"]["version"], after["protection_failure"]) == (1, None)
        assert {name: plan[name] for name in ("renditions", "audio", "segment_count")} == {
            name: before["plan"][name] for name in ("renditions", "audio", "segment_count")
        }
        for key in (await content_keys(media, after)).values():
            BOOK.plant("a content key", key.hex())
        await media.log(asset_id, "RenditionsErased")
        assert all(clear not in key for key in await media.keys(asset_id))
        assert await shown(media, after) == frames
        assert b"urn:mpeg:cenc:2013" in await api.get(f"/v1/assets/{asset_id}/dash/manifest.mpd")
        assert after["storyboard"] == before["storyboard"]
        assert await api.get(f"/v1/assets/{asset_id}/storyboard/0.jpg")
        assert await api.get(f"/v1/assets/{asset_id}/poster.jpg")

        again = await ask(api, asset_id, wish)
        assert (again[0], again[1]["code"]) == (409, "protected_already")
        status, _ = await ask(api, asset_id, {"scheme": "cbcs"})
        assert status == 202
        last = await media.until(asset_id, lambda d: d["protection"]["scheme"] == "cbcs")
        assert last["protection"]["version"] == 2
        assert not set(last["protection"]["keys"].values()) & set(after["protection"]["keys"].values())
        assert await shown(media, last) == frames
        rows = await media.log(asset_id, "AssetProtected", times=2)
        said = [orjson.loads(row["data"]) for row in rows if row["type"].endswith(".AssetProtected")]
        assert len(said) == 2
        assert len({each["plan"]["profile_hash"] for each in said}) == 2
        assert keys.profile_prefix(asset_id, clear) not in json.dumps(said)
