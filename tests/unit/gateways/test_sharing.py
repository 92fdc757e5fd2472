"""Visibility of an asset: how it is set and changed, what caches may keep, when a stream ends."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import FormData

from gateways.core.principal import Principal
from tests.unit.gateways.conftest import BEARER, Gateway
from tests.unit.gateways.films import PROFILE, Film


async def change(gateway: Gateway, asset_id: str, **body: Any) -> tuple[int, dict[str, Any]]:
    headers = {**BEARER, **body.pop("headers", {})}
    answer = await gateway.client.patch(f"/v1/assets/{asset_id}", json=body, headers=headers)
    return answer.status, await answer.json()


async def film_of(gateway: Gateway, visibility: str) -> str:
    answer = await gateway.client.post(
        "/v1/assets", params={"title": "A film", "visibility": visibility}, data=b"film", headers=BEARER
    )
    asset_id: str = (await answer.json())["id"]
    await Film(gateway.world, gateway.objects, asset_id).ready()
    return asset_id


async def test_an_upload_is_private_unless_it_says_otherwise(gateway: Gateway) -> None:
    asset = (await gateway.upload())["asset"]
    assert (asset["visibility"], asset["owner_id"]) == ("private", None)
    form = FormData({"title": "A form", "visibility": "unlisted"})
    form.add_field("file", b"film", filename="film.mp4")
    answer = await gateway.client.post("/v1/assets", data=form, headers=BEARER)
    assert (await answer.json())["asset"]["visibility"] == "unlisted"


async def test_an_unknown_visibility_makes_no_asset(gateway: Gateway) -> None:
    form = FormData({"visibility": "everybody"})
    form.add_field("file", b"film", filename="film.mp4")
    for params, data in (({}, form), ({"title": "x", "visibility": "everybody"}, b"film")):
        answer = await gateway.client.post("/v1/assets", params=params, data=data, headers=BEARER)
        assert answer.status == 422
        assert "visibility" in (await answer.json())["detail"]
    assert gateway.world.published == []


async def test_title_and_visibility_change_and_the_rest_stays(gateway: Gateway) -> None:
    asset_id = (await gateway.upload(title="Before"))["id"]
    status, accepted = await change(gateway, asset_id, visibility="public")
    assert status == 202
    assert (accepted["asset"]["title"], accepted["asset"]["visibility"]) == ("Before", "public")
    _, accepted = await change(gateway, asset_id, title="  After \n it ")
    assert (accepted["asset"]["title"], accepted["asset"]["visibility"]) == ("After it", "public")
    asked = [e for e in gateway.world.published if e.type.endswith("AssetChangeRequested")]
    assert {e.data["actor"] for e in asked} == {"administrator"}


@pytest.mark.parametrize(
    "body", [{}, {"title": " \n"}, {"title": None}, {"visibility": "all"}, {"owner_id": "a" * 32}]
)
async def test_a_change_of_nothing_or_to_nonsense_is_422(gateway: Gateway, body: dict[str, Any]) -> None:
    asset_id = (await gateway.upload())["id"]
    assert (await change(gateway, asset_id, **body))[0] == 422
    assert "AssetChangeRequested" not in gateway.world.names()


async def test_a_repeated_change_is_one_and_another_with_the_same_key_is_another(gateway: Gateway) -> None:
    asset_id = (await gateway.upload())["id"]
    key = {"Idempotency-Key": "one"}
    _, first = await change(gateway, asset_id, title="X", headers=key)
    _, again = await change(gateway, asset_id, title="X", headers=key)
    _, other = await change(gateway, asset_id, title="Y", headers=key)
    assert first["request_id"] == again["request_id"] != other["request_id"]
    assert [e.type.rpartition(".")[2] for e in gateway.world.said].count("AssetChanged") == 2
    assert other["asset"]["title"] == "Y"


@pytest.mark.parametrize(
    ("visibility", "who", "segments"),
    [
        ("public", "public", "public, max-age=31536000, s-maxage=3600, immutable"),
        ("unlisted", "private", "private, max-age=31536000, immutable"),
        ("private", "private", "private, max-age=31536000, immutable"),
    ],
)
async def test_shared_caches_keep_what_is_public_only(
    gateway: Gateway, visibility: str, who: str, segments: str
) -> None:
    asset_id = await film_of(gateway, visibility)
    found = {}
    for path in ("hls/master.m3u8", f"media/{PROFILE}/360p/0.m4s", "poster.jpg", "storyboard.vtt"):
        answer = await gateway.get(f"/v1/assets/{asset_id}/{path}")
        found[path] = (answer.status, answer.headers["Cache-Control"])
        again = await gateway.get(f"/v1/assets/{asset_id}/{path}", If_None_Match=answer.headers["ETag"])
        assert (again.status, again.headers["Cache-Control"]) == (304, found[path][1])
    assert list(found.values()) == [
        (200, f"{who}, no-cache"), (200, segments), (200, f"{who}, max-age=300"), (200, f"{who}, no-cache")
    ]  # fmt: skip
    assert (await gateway.get(f"/v1/assets/{asset_id}")).headers["Cache-Control"] == "no-store"


async def test_what_was_public_closes_at_once_when_it_becomes_private(gateway: Gateway) -> None:
    asset_id = await film_of(gateway, "public")
    path = f"/v1/assets/{asset_id}"
    async with gateway.client.get(f"{path}/events") as stream:
        assert (await stream.content.readuntil(b"event: asset")).endswith(b"event: asset")
        await change(gateway, asset_id, visibility="private")
        assert b"private" not in await stream.content.read()  # to its end: the stranger is told nothing more
    for part in ("", "/hls/master.m3u8", f"/media/{PROFILE}/360p/0.m4s", "/poster.jpg"):
        assert (await gateway.client.get(f"{path}{part}")).status == 401
        assert (await gateway.get(f"{path}{part}")).status == 200


def test_people_of_other_issuers_own_under_a_name_that_tells_nothing() -> None:
    somebody = Principal("https://login.example#ada@example.org", frozenset({"assets:read:own"}), "token")
    assert somebody.owner_id is not None
    assert len(somebody.owner_id) == 32
    assert "ada" not in somebody.owner_id
    assert somebody.may_own("assets:read")
    assert Principal("watch-link", frozenset({"assets:read:own"}), "session").owner_id is None
