"""The library: one asset, pages, search, deletion in every state."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.core.projections import ProjectionReader
from tests.unit.gateways.conftest import BEARER, Gateway
from tests.unit.gateways.films import Film


async def titles(gateway: Gateway, query: str) -> tuple[list[str], str | None]:
    body = await (await gateway.get(f"/v1/assets{query}")).json()
    return [item["title"] for item in body["items"]], body["next_cursor"]


async def test_pages_hold_every_asset_once_newest_first(gateway: Gateway) -> None:
    for number in range(25):
        await gateway.upload(b"x", title=f"film {number}")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page, cursor = await titles(gateway, f"?limit=7&cursor={cursor}" if cursor else "?limit=7")
        assert len(page) <= 7
        seen += page
    assert seen == [f"film {number}" for number in reversed(range(25))]


async def test_assets_of_the_same_millisecond_are_neither_lost_nor_repeated(gateway: Gateway) -> None:
    for number in range(10):
        gateway.world.now_ms = 1_800_000_000_000
        await gateway.upload(b"x", title=f"film {number}")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page, cursor = await titles(gateway, f"?limit=3&cursor={cursor}" if cursor else "?limit=3")
        seen += page
    assert sorted(seen) == [f"film {number}" for number in range(10)]


async def test_a_search_finds_all_words_in_any_case(gateway: Gateway) -> None:
    for title in ("Big Buck Bunny", "Big Fish", "Bunny Business"):
        await gateway.upload(b"x", title=title)
    assert (await titles(gateway, "?q=bunny"))[0] == ["Bunny Business", "Big Buck Bunny"]
    assert (await titles(gateway, "?q=BIG%20bunny"))[0] == ["Big Buck Bunny"]
    assert (await titles(gateway, "?q=nothing")) == ([], None)
    assert (await titles(gateway, "?q=big&limit=1"))[0] == ["Big Fish"]


async def test_an_empty_library_is_an_empty_page(gateway: Gateway) -> None:
    assert await titles(gateway, "") == ([], None)


@pytest.mark.parametrize(
    "query",
    [
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?cursor=%25",
        "?cursor=bm9uZQ",
        "?cursor=WyJuYW4iLCJ4Il0",  # ["nan","x"]
        "?cursor=WzEsMl0",  # [1,2]
    ],
)
async def test_wrong_parameters_are_named(gateway: Gateway, query: str) -> None:
    answer = await gateway.get(f"/v1/assets{query}")
    assert answer.status == 422
    assert query[1:].split("=")[0] in (await answer.json())["detail"]


async def test_an_unknown_asset_is_404_with_what_to_do(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/assets/nothing")
    assert answer.status == 404
    assert "GET /v1/assets" in (await answer.json())["detail"]


async def test_a_ready_film_has_everything(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(b"film", title="A film"))["id"]
    film = Film(gateway.world, gateway.objects, asset_id)
    await film.ready()
    asset: dict[str, Any] = await (await gateway.get(f"/v1/assets/{asset_id}")).json()
    assert asset["state"] == "ready"
    assert (asset["width"], asset["height"], asset["duration_ms"]) == (1280, 720, 10_000)
    assert [r["name"] for r in asset["renditions"]] == ["360p", "720p"]
    assert asset["progress"] == {"percent": 100, "chunks_done": 3, "chunks_total": 3}
    base = f"/v1/assets/{asset_id}"
    assert asset["links"] == {
        "self": base,
        "events": f"{base}/events",
        "log": f"{base}/log",
        "hls": f"{base}/hls/master.m3u8",
        "dash": f"{base}/dash/manifest.mpd",
        "hls_clearkey": f"{base}/hls-clearkey/master.m3u8",
        "dash_clearkey": f"{base}/dash-clearkey/manifest.mpd",
        "poster": f"{base}/poster.jpg",
        "storyboard": f"{base}/storyboard.vtt",
        "watch": f"/watch/{asset_id}",
    }


@pytest.mark.parametrize("state", ["uploaded", "processing", "playable", "ready", "failed"])
async def test_deletion_works_in_every_state(gateway: Gateway, state: str) -> None:
    asset_id = (await gateway.upload(b"film"))["id"]
    film = Film(gateway.world, gateway.objects, asset_id)
    if state == "failed":
        await film.report("SourceRejected", work_id="w", code="not_video", sentence="It is no video.")
    elif state != "uploaded":
        await film.probed()
        if state == "playable":
            await film.encoded(0)
        elif state == "ready":
            for chunk in range(3):
                await film.encoded(chunk)
    shown = await (await gateway.get(f"/v1/assets/{asset_id}")).json()
    assert shown["state"] == state
    answer = await gateway.client.delete(f"/v1/assets/{asset_id}", headers=BEARER)
    assert (answer.status, (await answer.json())["state"]) == (202, "deleted")
    assert (await gateway.get(f"/v1/assets/{asset_id}")).status == 410
    assert (await gateway.client.delete(f"/v1/assets/{asset_id}", headers=BEARER)).status == 410
    assert await titles(gateway, "") == ([], None)


async def test_a_failed_film_says_why(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(b"film"))["id"]
    film = Film(gateway.world, gateway.objects, asset_id)
    await film.report("SourceRejected", work_id="w", code="not_video", sentence="It is no video.")
    asset = await (await gateway.get(f"/v1/assets/{asset_id}")).json()
    assert asset["failure"] == {"code": "not_video", "sentence": "It is no video."}
    played = await gateway.get(f"/v1/assets/{asset_id}/hls/master.m3u8")
    assert played.status == 409
    assert (await played.json())["code"] == "not_video"


async def test_projections_that_do_not_answer_are_503_not_500(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise RedisConnectionError("Error 111 connecting to 10.0.0.5:6379")

    monkeypatch.setattr(ProjectionReader, "pin", away)
    answer = await gateway.get("/v1/assets/abc")
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert "10.0.0.5" not in await answer.text()
