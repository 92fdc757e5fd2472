"""Films on their way in: forms and raw bodies become parts and events."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.unit.gateways.conftest import BEARER, PART_SIZE, Gateway
from tests.unit.gateways.uploading import FILM, parts_of, until


async def test_a_raw_body_becomes_parts_and_events(gateway: Gateway) -> None:
    accepted = await gateway.upload(FILM + b"tail", title="  My \n film ")
    parts = parts_of(gateway, accepted["id"])
    assert b"".join(parts) == FILM + b"tail"
    assert [len(part) for part in parts] == [PART_SIZE] * 4 + [4]
    started, completed = gateway.world.published
    assert started.type == "kinolog.media.UploadStarted"
    assert (started.data["title"], started.data["file_name"]) == ("", "")
    assert b"My film" not in base64.b64decode(started.data["title_sealed"])
    assert started.data["declared_size_bytes"] == len(FILM) + 4
    assert completed.data["source"] == {
        "size_bytes": len(FILM) + 4,
        "part_size_bytes": PART_SIZE,
        "part_count": 5,
        "source_hash": hashlib.sha256(FILM + b"tail").hexdigest(),
    }
    assert accepted["state"] == "uploaded"
    assert accepted["asset"]["title"] == "My film"
    assert accepted["links"]["watch"] == f"/watch/{accepted['id']}"
    assert accepted["position"]["topic"] == "media.asset.requests"


async def test_the_answer_names_the_asset_in_location(gateway: Gateway) -> None:
    answer = await gateway.client.post("/v1/assets?title=x", data=b"film", headers=BEARER)
    assert answer.headers["Location"] == f"/v1/assets/{(await answer.json())['id']}"
    assert (await gateway.get(answer.headers["Location"])).status == 200


async def test_a_form_becomes_an_asset(gateway: Gateway) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("title", "Ein Film, schön")
    form.add_field("file", FILM, filename="C:\\films\\clip.mp4", content_type="video/mp4")
    answer = await gateway.client.post("/v1/assets", data=form, headers=BEARER)
    body = await answer.json()
    assert answer.status == 202
    assert b"".join(parts_of(gateway, body["id"])) == FILM
    assert body["asset"]["title"] == "Ein Film, schön"
    assert gateway.world.published[0].data["file_name"] == ""


async def test_a_form_without_title_is_named_after_its_file(gateway: Gateway) -> None:
    form = aiohttp.FormData()
    form.add_field("file", FILM, filename="holiday.final.mov")
    answer = await gateway.client.post("/v1/assets", data=form, headers=BEARER)
    assert (await answer.json())["asset"]["title"] == "holiday.final"


async def test_at_most_two_parts_are_under_way(gateway: Gateway) -> None:
    await gateway.upload(FILM)
    assert gateway.objects.most_putting <= 2


async def test_bytes_after_a_slow_store_wait_instead_of_piling_up(gateway: Gateway) -> None:
    gate = asyncio.Event()
    gateway.objects.before_put = lambda key: gate.wait()
    sent = 0

    async def film() -> AsyncIterator[bytes]:
        nonlocal sent
        for at in range(0, len(FILM) * 3, PART_SIZE):
            sent = at
            yield FILM[:PART_SIZE]

    running = asyncio.create_task(gateway.upload(film()))  # type: ignore[arg-type]
    await until(lambda: gateway.objects.putting == 2)
    assert not running.done()
    gate.set()
    accepted = await running
    assert len(parts_of(gateway, accepted["id"])) == 12
    assert sent > 0


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

SCOTLAND = "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "gbsct") + "\U000e007f"

PERSIAN = "\u0645\u06cc\u200c\u0631\u0648\u0645"


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        *((each, each) for each in (FAMILY, SCOTLAND, PERSIAN, "\u2764\ufe0f")),
        ("left\u202eright", "left right"),  # what turns the order of letters about is none of a title
    ],
)
async def test_a_title_is_kept_as_it_is_read(gateway: Gateway, title: str, kept: str) -> None:
    asset_id = (await gateway.upload(FILM, title=f"Us {title}"))["id"]
    assert (await (await gateway.get(f"/v1/assets/{asset_id}")).json())["title"] == f"Us {kept}"


async def test_an_outcome_that_is_late_is_202_with_what_is_known(gateway: Gateway) -> None:
    gateway.world.paused = True
    accepted = await gateway.upload(FILM)
    assert accepted["state"] == "uploading"
    assert accepted["asset"] is None
    await gateway.world.resume()
    shown = await (await gateway.get(f"/v1/assets/{accepted['id']}?wait_for={accepted['request_id']}")).json()
    assert shown["state"] == "uploaded"


async def test_a_film_deleted_while_it_comes_in_is_a_conflict(gateway: Gateway) -> None:
    gate = asyncio.Event()
    gateway.objects.before_put = lambda key: gate.wait()
    running = asyncio.create_task(gateway.client.post("/v1/assets?title=x", data=FILM, headers=BEARER))
    await until(lambda: gateway.objects.putting > 0)
    asset_id = gateway.world.published[0].key
    assert (await gateway.client.delete(f"/v1/assets/{asset_id}", headers=BEARER)).status == 202
    gate.set()
    answer = await running
    assert answer.status == 409
    assert (await answer.json())["code"] == "asset_deleted"
