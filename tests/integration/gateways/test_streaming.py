"""The streaming service's API against the real log, projections, history and object store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from xml.etree import ElementTree

import aiohttp

from streams.core.objects import ObjectStore
from tests.integration.gateways.conftest import PATIENCE_S, Api


async def ready_asset(api: Api, clip: bytes) -> str:
    """One ready asset that the tests of this file share: equal requests are the same asset."""
    accepted = await api.upload(clip, title="Shared clip", key="gateways-shared-clip")
    await api.state(accepted["id"], "ready", "failed")
    return str(accepted["id"])


async def test_a_film_goes_in_and_comes_out(api: Api, clip: bytes) -> None:
    asset_id = await ready_asset(api, clip)
    asset = await api.get(f"/v1/assets/{asset_id}")
    assert asset["state"] == "ready", asset["failure"]
    assert asset["duration_ms"] == 3000
    assert asset["size_bytes"] == len(clip)
    async with api.http.get(asset["links"]["hls"]) as answer:
        master = await answer.text()
        base = answer.url
    media_url = base.join(base.with_path(base.path.replace("master", "360p")))
    assert "360p.m3u8" in master
    async with api.http.get(media_url.path) as answer:
        lines = (await answer.text()).splitlines()
    assert lines[-1] == "#EXT-X-ENDLIST"
    for line in [entry for entry in lines if not entry.startswith("#")]:
        path = str(media_url.join(aiohttp.client.URL(line)).path)
        async with api.http.get(path) as answer:
            segment = await answer.read()
            assert answer.status == 200
            assert b"moof" in segment[:400]
            assert "immutable" in answer.headers["Cache-Control"]
            etag = answer.headers["ETag"]
        async with api.http.get(path, headers={"Range": "bytes=4-7"}) as answer:
            assert (answer.status, await answer.read()) == (206, segment[4:8])
        async with api.http.get(path, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 304
    async with api.http.get(asset["links"]["dash"]) as answer:
        assert ElementTree.fromstring(await answer.text()).tag.endswith("MPD")  # noqa: S314  # our own


async def test_a_retry_is_the_same_asset_and_another_file_is_not(api: Api, clip: bytes) -> None:
    asset_id = await ready_asset(api, clip)
    assert (await api.upload(clip, key="gateways-shared-clip"))["id"] == asset_id
    async with api.http.post(
        "/v1/assets?title=x", data=b"other", headers={"Idempotency-Key": "gateways-shared-clip"}
    ) as answer:
        assert answer.status == 422


async def test_the_log_of_an_asset_has_every_step_and_its_causes(api: Api, clip: bytes) -> None:
    asset_id = await ready_asset(api, clip)
    seen: dict[str, str] = {}
    async with asyncio.timeout(PATIENCE_S):
        async for name, entry in api.events(f"/v1/assets/{asset_id}/log/stream"):
            assert name == "entry"
            if entry["causation_id"] in seen or not entry["causation_id"]:
                seen[entry["id"]] = entry["type"].rpartition(".")[2]
            if entry["type"].endswith(".AssetReady"):
                ready_id = entry["id"]
                break
    page = await api.get(f"/v1/assets/{asset_id}/log?limit=1000")
    names = [entry["type"].rpartition(".")[2] for entry in page["items"]]
    assert names[0] == "UploadStarted"
    order = [
        "UploadStarted",
        "UploadCompleted",
        "AssetUploaded",
        "ProbeRequested",
        "SourceProbed",
        "AssetPlanned",
    ]
    assert sorted(order, key=names.index) == order
    places = {entry["id"]: place for place, entry in enumerate(page["items"])}
    for entry in page["items"]:
        assert places.get(entry["causation_id"], -1) < places[entry["id"]], "a cause stands after its effect"
    detail = await api.get(f"/v1/log/{ready_id}")
    causes = [entry["type"].rpartition(".")[2] for entry in detail["causes"]]
    assert causes[0] == "ChunkEncoded"
    assert causes[-1] == "UploadCompleted"


async def test_pages_of_the_log_join_without_gaps(api: Api, clip: bytes) -> None:
    asset_id = await ready_asset(api, clip)
    whole = (await api.get(f"/v1/assets/{asset_id}/log?limit=1000"))["items"]
    paged: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await api.get(f"/v1/assets/{asset_id}/log?limit=5" + (f"&after={cursor}" if cursor else ""))
        paged += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert len(paged) == len(set(paged))
    assert {entry["id"] for entry in whole} <= set(paged)


async def test_what_is_no_video_fails_with_a_reason(api: Api) -> None:
    accepted = await api.upload(b"this is no film, whatever its name says" * 100)
    asset = await api.state(accepted["id"], "failed", "ready")
    assert asset["failure"]["code"] == "not_video"
    assert asset["failure"]["sentence"]


async def test_a_client_that_leaves_fails_the_asset_and_its_retry_works(api: Api, clip: bytes) -> None:
    key = "gateways-aborted-clip"
    begun = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield clip[: len(clip) // 2]
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(api.upload(half(), title="aborted", key=key))
    await begun.wait()
    async with asyncio.timeout(PATIENCE_S):
        while not (found := (await api.get("/v1/assets?q=aborted"))["items"]):  # noqa: ASYNC110
            await asyncio.sleep(0)
    running.cancel()
    failed = await api.state(found[0]["id"], "failed")
    assert failed["failure"]["code"] == "upload_aborted"
    again = await api.upload(clip, title="aborted", key=key)
    assert again["id"] != failed["id"]
    assert (await api.state(again["id"], "ready", "failed"))["state"] == "ready"


async def test_a_deleted_asset_is_gone_and_leaves_no_object(api: Api, clip: bytes) -> None:
    accepted = await api.upload(clip)
    asset_id = accepted["id"]
    async with api.http.delete(f"/v1/assets/{asset_id}") as answer:
        assert answer.status == 202
    await api.state(asset_id, "deleted")
    await api.get(f"/v1/assets/{asset_id}", 410)
    async with asyncio.timeout(PATIENCE_S):
        async for _, entry in api.events(f"/v1/assets/{asset_id}/log/stream"):
            if entry["type"].endswith(".AssetErased"):
                break
    async with ObjectStore(api.stack.settings) as objects:
        assert [entry.key async for entry in objects.list(f"uploads/{asset_id}/")] == []
        assert [entry.key async for entry in objects.list(f"assets/{asset_id}/")] == []


async def test_a_watch_link_signs_in_and_sees_one_asset(api: Api, clip: bytes) -> None:
    from gateways.core.sessions import Tokens

    asset_id = await ready_asset(api, clip)
    code = Tokens(api.stack.credentials["session_secret"]).issue_code(asset_id=asset_id)
    # The jar keeps cookies of plain addresses too: the stack has no names.
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(api.stack.url("streaming"), cookie_jar=jar) as http:
        async with http.get(f"/v1/assets/{asset_id}") as answer:
            assert answer.status == 401
        async with http.post("/v1/session", json={"code": code}) as answer:
            assert answer.status == 201
        async with http.get(f"/v1/assets/{asset_id}") as answer:
            assert answer.status == 200
        async with http.delete(f"/v1/assets/{asset_id}") as answer:
            assert answer.status == 403


async def test_a_film_is_shown_to_everybody_and_hidden_again(api: Api, clip: bytes) -> None:
    asset_id = await ready_asset(api, clip)
    path = f"/v1/assets/{asset_id}"

    async def listed() -> bool:
        return asset_id in [item["id"] for item in (await api.get("/v1/assets?visibility=public"))["items"]]

    async def change(visibility: str) -> None:
        async with api.http.patch(path, json={"visibility": visibility}) as answer:
            request_id = (await answer.json())["request_id"]
            assert answer.status == 202
        asset = await api.get(f"{path}?wait_for={request_id}")
        assert asset["visibility"] == visibility

    async with aiohttp.ClientSession(api.stack.url("streaming")) as stranger:
        for visibility, status in (("public", 200), ("unlisted", 200), ("private", 401)):
            await change(visibility)
            assert await listed() == (visibility == "public")
            for part in ("", "/hls/master.m3u8", "/poster.jpg"):
                async with stranger.get(f"{path}{part}") as answer:
                    assert answer.status == status
            async with stranger.get(f"{path}/log") as answer:
                assert answer.status == 401
