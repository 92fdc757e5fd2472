"""Protection at upload, and the manifests of films that several systems give licences for."""

from __future__ import annotations

from typing import Any, cast

import aiohttp
import pytest

from schemas.drm import pssh
from schemas.media.protection import PlanProtection
from streams.media.plan import protected
from tests.unit.gateways.conftest import BEARER, Gateway
from tests.unit.gateways.films import Film

ALL = ["clearkey", "widevine", "playready", "fairplay"]
KEYS = [{"label": label, "kid": digit * 32} for label, digit in (("audio", "a"), ("sd", "5"), ("hd", "d"))]


async def upload(gateway: Gateway, **query: str) -> tuple[int, Any]:
    answer = await gateway.client.post(
        "/v1/assets", params={"title": "A film", **query}, data=b"film", headers=BEARER
    )
    return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("query", "systems"),
    [
        ({"protection": "cenc"}, ["clearkey"]),
        ({"protection": "cenc", "systems": "playready, widevine"}, ["widevine", "playready"]),
        ({"protection": "cbcs", "systems": "fairplay,clearkey,widevine,playready,fairplay"}, ALL),
    ],
)
async def test_systems_are_named_at_upload(
    gateway: Gateway, query: dict[str, str], systems: list[str]
) -> None:
    status, body = await upload(gateway, **query)
    shown = await (await gateway.get(f"/v1/assets/{body['id']}")).json()
    assert (status, shown["protection"]["systems"]) == (202, systems)
    [started] = [event for event in gateway.world.published if event.type.endswith("UploadStarted")]
    assert started.data["protection"]["systems"] == systems


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"systems": "widevine"}, "name a scheme"),
        ({"protection": "cenc", "systems": "primetime"}, "send one or more of"),
        ({"protection": "cenc", "systems": "widevine,"}, "send one or more of"),
        ({"protection": "cenc", "systems": "fairplay"}, "cbcs only"),
    ],
)
async def test_what_cannot_be_is_said(gateway: Gateway, query: dict[str, str], says: str) -> None:
    status, body = await upload(gateway, **query)
    assert (status, says in body["detail"]) == (422, True)
    form = aiohttp.FormData()
    for name, value in query.items():
        form.add_field(name, value)
    form.add_field("file", b"film", filename="film.mp4")
    answer = await gateway.client.post("/v1/assets", data=form, headers=BEARER)
    assert (answer.status, says in (await answer.json())["detail"]) == (422, True)
    assert gateway.world.published == []


async def film_for(gateway: Gateway, systems: list[str]) -> str:
    _, body = await upload(gateway, protection="cbcs", systems=",".join(systems))
    film = Film(gateway.world, gateway.objects, body["id"])
    named = {"scheme": "cbcs", "systems": systems, "policy_id": "default", "version": 1, "keys": KEYS}
    film.plan = protected(film.plan, cast("PlanProtection", named)) | {  # type: ignore[typeddict-item]
        "profile_hash": film.plan["profile_hash"]
    }
    await film.ready()
    return f"/v1/assets/{body['id']}"


async def test_each_side_has_manifests_of_its_own(gateway: Gateway) -> None:
    base = await film_for(gateway, ALL)
    links = (await (await gateway.get(base)).json())["links"]
    text = {
        name: await (await gateway.get(links[name])).text()
        for name in ("hls", "dash", "hls_clearkey", "dash_clearkey")
    }
    for folder, mpd in (("hls", "dash"), ("hls-clearkey", "dash_clearkey")):
        playlist = await (await gateway.get(f"{base}/{folder}/360p.m3u8")).text()
        clear = folder == "hls-clearkey"
        assert ("org.w3.clearkey" in playlist, pssh.CLEAR_KEY in text[mpd]) == (clear, clear)
        assert (pssh.WIDEVINE in playlist, pssh.WIDEVINE in text[mpd]) == (not clear, not clear)
        assert ("skd://" in playlist) is not clear
        assert (await gateway.get(f"{base}/{folder}/storyboard.m3u8")).status == 200
    assert text["hls"] == text["hls_clearkey"]  # it names no keys


async def test_films_in_clear_play_everywhere(gateway: Gateway) -> None:
    asset_id = (await gateway.upload())["id"]
    await Film(gateway.world, gateway.objects, asset_id).ready()
    base = f"/v1/assets/{asset_id}"
    for name in ("/master.m3u8", "/360p.m3u8"):
        clear = await (await gateway.get(f"{base}/hls-clearkey{name}")).text()
        assert clear == await (await gateway.get(f"{base}/hls{name}")).text()


@pytest.mark.parametrize(("systems", "status"), [(["clearkey"], 200), (["widevine"], 404)])
async def test_films_of_one_side(gateway: Gateway, systems: list[str], status: int) -> None:
    base = await film_for(gateway, systems)
    links = (await (await gateway.get(base)).json())["links"]
    assert (links["dash_clearkey"] is not None) is (status == 200)
    for path in ("hls-clearkey/master.m3u8", "hls-clearkey/360p.m3u8", "dash-clearkey/manifest.mpd"):
        assert (await gateway.get(f"{base}/{path}")).status == status
    for path in ("hls/master.m3u8", "hls/360p.m3u8", "dash/manifest.mpd"):
        assert (await gateway.get(f"{base}/{path}")).status == 200


async def protect(gateway: Gateway, asset_id: str, **wish: Any) -> tuple[int, Any]:
    path = f"/v1/assets/{asset_id}/protection"
    answer = await gateway.client.post(path, json=wish, headers=BEARER)
    return answer.status, await answer.json()


async def test_a_finished_film_is_asked_to_be_protected(gateway: Gateway) -> None:
    asset_id = (await gateway.upload())["id"]
    status, problem = await protect(gateway, asset_id, scheme="cenc")
    assert (status, problem["code"]) == (409, "asset_not_ready")
    film = Film(gateway.world, gateway.objects, asset_id)
    await film.ready()
    gateway.world.published.clear()
    status, accepted = await protect(gateway, asset_id, scheme="cbcs", systems=["fairplay", "clearkey"])
    assert (status, accepted["state"], accepted["asset"]["protection"]) == (202, "ready", None)
    assert accepted["asset"]["protecting"] == {
        "scheme": "cbcs", "systems": ["clearkey", "fairplay"], "policy": "default", "version": 1, "percent": 0
    }  # fmt: skip
    [asked] = gateway.world.published
    size = len(gateway.objects.objects[f"uploads/{asset_id}/0"])
    assert asked.data["source"]["part_count"] == 1
    assert asked.data["source"]["size_bytes"] == asked.data["source"]["part_size_bytes"] == size
    assert (asked.data["plan"], asked.data["privileged"]) == (film.plan, False)
    status, problem = await protect(gateway, asset_id, scheme="cenc")
    assert (status, problem["code"]) == (409, "protection_running")
    failure = {"code": "keys_missing", "sentence": "Its keys are gone."}
    await film.report(
        "WorkFailed", work_id="w", kind="protection", attempt=1, retryable=False, **failure
    )  # fmt: skip
    shown = await (await gateway.get(f"/v1/assets/{asset_id}")).json()
    assert (shown["protecting"], shown["protection_failure"]) == (None, failure)
    del gateway.objects.objects[f"uploads/{asset_id}/0"]
    status, problem = await protect(gateway, asset_id, scheme="cenc")
    assert (status, problem["code"]) == (409, "source_missing")


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"scheme": "rot13"},
        {"scheme": "cenc", "systems": ["primetime"]},
        {"scheme": "cenc", "systems": ["fairplay"]},
        {"scheme": "cenc", "systems": ["clearkey,widevine,"]},
        {"scheme": "cenc", "policy": "No Such"},
        {"scheme": "cenc", "version": 7},
    ],
)
async def test_a_protection_that_cannot_be_is_422(gateway: Gateway, wish: dict[str, Any]) -> None:
    asset_id = (await gateway.upload())["id"]
    await Film(gateway.world, gateway.objects, asset_id).ready()
    assert (await protect(gateway, asset_id, **wish))[0] == 422
    assert "ProtectionRequested" not in gateway.world.names()


async def test_a_failed_film_is_not_protected(gateway: Gateway) -> None:
    asset_id = (await gateway.upload())["id"]
    film = Film(gateway.world, gateway.objects, asset_id)
    await film.report("SourceRejected", work_id="w", code="not_video", sentence="No film.")
    status, problem = await protect(gateway, asset_id, scheme="cenc")
    assert (status, problem["code"]) == (409, "asset_failed")
