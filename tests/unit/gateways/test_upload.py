"""Films on their way in: forms, raw bodies, retries, and every way in which it can go wrong."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from streams.core.objects import ObjectStoreFull, ObjectStoreUnavailable
from tests.unit.gateways.conftest import BEARER, PART_SIZE, Gateway

FILM = bytes(range(256)) * 1024  # four parts
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


async def until(condition: Callable[[], Any]) -> None:
    """Give way until the condition holds; the test's own timeout ends a wait in vain."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # conditions on fakes, which have no events to wait for
            await asyncio.sleep(0)


def parts_of(gateway: Gateway, asset_id: str) -> list[bytes]:
    prefix = f"uploads/{asset_id}/"
    numbered = {
        int(k.removeprefix(prefix)): v for k, v in gateway.objects.objects.items() if k.startswith(prefix)
    }
    assert sorted(numbered) == list(range(len(numbered)))
    return [numbered[n] for n in sorted(numbered)]


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_raw_body_becomes_parts_and_events(gateway: Gateway) -> None:
    accepted = await gateway.upload(FILM + b"tail", title="  My \n film ")
    parts = parts_of(gateway, accepted["id"])
    assert b"".join(parts) == FILM + b"tail"
    assert [len(part) for part in parts] == [PART_SIZE] * 4 + [4]
    started, completed = gateway.world.published
    assert started.type == "kinolog.media.UploadStarted"
    assert started.data["title"] == "My film"
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
    assert gateway.world.published[0].data["title"] == "Ein Film, schön"
    assert gateway.world.published[0].data["file_name"] == "clip.mp4"


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


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "kind"),
    [
        ("/v1/assets", b"film", {}, 422, "validation"),
        ("/v1/assets?title=%20%0a", b"film", {}, 422, "validation"),
        ("/v1/assets?title=x", b"", {}, 400, "empty-upload"),
        ("/v1/assets?title=x", b"a=b", URLENCODED, 415, "unsupported"),
        ("/v1/assets", b"--x\r\n", {"Content-Type": "multipart/form-data"}, 400, "malformed-request"),
        ("/v1/assets", b"nonsense", FORM, 400, "malformed-request"),
        ("/v1/assets", b"--x--\r\n", FORM, 400, "malformed-request"),
        ("/v1/assets?title=x", b"film", {"Idempotency-Key": " "}, 400, "malformed-request"),
        ("/v1/assets?title=x", b"film", {"Idempotency-Key": "k" * 201}, 400, "malformed-request"),
        ("/v1/assets?name=x", b"film", {}, 422, "validation"),
    ],
)  # fmt: skip
async def test_what_is_no_upload_is_refused_with_a_reason(
    gateway: Gateway, path: str, body: bytes, headers: dict[str, str], status: int, kind: str
) -> None:
    answer = await gateway.client.post(path, data=body, headers={**BEARER, **headers})
    found = await answer.json()
    assert (answer.status, found["type"].rpartition(":")[2][: len(kind)]) == (status, kind)
    assert found["detail"]
    await until(lambda: not gateway.locks.held)


def form_saying(size: str, field: str = "file") -> bytes:
    """A form whose part of 4 bytes says that it has `size`."""
    other = b"" if field == "file" else b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nfilm\r\n'
    head = f'--x\r\nContent-Length: {size}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'
    return head.encode() + b"film\r\n" + other + b"--x--\r\n"


@pytest.mark.parametrize("field", ["file", "title"])
@pytest.mark.parametrize("size", ["3", "5", "999999", "0", "-4", "+4", "abc", "4_0", "", "\u0664", "1e30"])
async def test_a_part_that_says_another_size_than_it_has_is_no_upload(
    gateway: Gateway, size: str, field: str
) -> None:
    body = form_saying(size, field)
    answer = await gateway.client.post("/v1/assets", data=body, headers={**BEARER, **FORM})
    assert (answer.status, (await answer.json())["type"].rpartition(":")[2]) == (400, "malformed-request")
    await until(lambda: not gateway.locks.held)
    assert "AssetCreated" not in gateway.world.names() or "AssetFailed" in gateway.world.names()


@pytest.mark.parametrize("field", ["file", "title"])
async def test_a_part_may_say_the_size_it_has(gateway: Gateway, field: str) -> None:
    body = form_saying("4", field)
    answer = await gateway.client.post("/v1/assets", data=body, headers={**BEARER, **FORM})
    assert answer.status == 202


def empty_form() -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", b"", filename="nothing.mp4")
    return form


@pytest.mark.parametrize(
    "body", [bytes, lambda: None, pieces, empty_form], ids=["empty", "none", "stream", "form"]
)
async def test_an_upload_of_no_bytes_makes_no_asset(gateway: Gateway, body: Callable[[], Any]) -> None:
    answer = await gateway.client.post("/v1/assets?title=x", data=body(), headers=BEARER)
    assert answer.status == 400
    assert (await answer.json())["type"] == "urn:kinolog:problem:empty-upload"
    await until(lambda: not gateway.locks.held)
    assert gateway.world.names() == []


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


async def test_a_title_that_shows_nothing_is_none(gateway: Gateway) -> None:
    answer = await gateway.client.post("/v1/assets", params={"title": "\u200d"}, data=FILM, headers=BEARER)
    assert answer.status == 422


async def test_a_form_cut_short_fails_the_asset(gateway: Gateway) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n' + FILM
    )  # the closing boundary is missing
    answer = await gateway.client.post("/v1/assets", data=body, headers={**BEARER, **FORM})
    assert answer.status == 400
    await until(lambda: gateway.world.names() == ["UploadStarted", "UploadFailed"])
    assert gateway.world.published[1].data["code"] == "upload_malformed"


async def test_a_field_that_is_no_field_is_bounded(gateway: Gateway) -> None:
    form = aiohttp.FormData()
    form.add_field("title", "x" * 5000)
    form.add_field("file", FILM, filename="a.mp4")
    answer = await gateway.client.post("/v1/assets", data=form, headers=BEARER)
    assert answer.status == 413
    assert gateway.world.published == []


async def test_an_upload_beyond_the_limit_ends_as_soon_as_it_is(gateway: Gateway) -> None:
    async def film() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield b"x" * PART_SIZE

    try:
        answer = await gateway.client.post("/v1/assets?title=x", data=film(), headers=BEARER)
        assert answer.status == 413
    except aiohttp.ClientConnectionError:
        pass  # the rest was not read: some clients see the connection end before the answer
    await until(lambda: gateway.world.names() == ["UploadStarted", "UploadFailed"])
    assert gateway.world.published[1].data["code"] == "upload_too_large"


async def test_a_client_that_leaves_fails_the_asset(gateway: Gateway) -> None:
    async def film() -> AsyncIterator[bytes]:
        yield FILM
        await asyncio.Event().wait()

    running = asyncio.create_task(gateway.upload(film()))  # type: ignore[arg-type]
    await until(lambda: len(gateway.objects.objects) >= 3)
    running.cancel()
    await until(lambda: gateway.world.names() == ["UploadStarted", "UploadFailed"])
    assert gateway.world.published[1].data["code"] == "upload_aborted"
    asset_id = gateway.world.published[0].key
    shown = await (await gateway.get(f"/v1/assets/{asset_id}")).json()
    assert shown["state"] == "failed"
    assert shown["failure"]["code"] == "upload_aborted"
    await until(lambda: not gateway.locks.held)


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (ObjectStoreUnavailable("PUT refused"), 503, "unavailable", "store_unavailable"),
        (ObjectStoreFull("no space"), 507, "store-full", "store_full"),
    ],
)
async def test_a_store_that_fails_in_mid_upload_can_be_retried(
    gateway: Gateway, error: Exception, status: int, kind: str, code: str
) -> None:
    def breaks(key: str) -> Awaitable[None] | None:
        if key.endswith("/2"):
            raise error
        return None

    gateway.objects.before_put = breaks
    headers = {**BEARER, "Idempotency-Key": "my-upload"}
    answer = await gateway.client.post("/v1/assets?title=x", data=FILM, headers=headers)
    body = await answer.json()
    assert (answer.status, body["type"]) == (status, f"urn:kinolog:problem:{kind}")
    assert "again" in body["detail"]
    await until(lambda: gateway.world.names() == ["UploadStarted", "UploadFailed"])
    assert gateway.world.published[1].data["code"] == code

    gateway.objects.before_put = lambda key: None
    again = await gateway.upload(FILM, Idempotency_Key="my-upload")
    assert again["state"] == "uploaded"
    assert b"".join(parts_of(gateway, again["id"])) == FILM
    # The failed attempt is being erased: its retry stands beside it, and is found again by the same key.
    assert again["id"] != gateway.world.published[0].key
    assert (await gateway.upload(FILM, Idempotency_Key="my-upload"))["id"] == again["id"]


async def test_a_retry_before_the_failure_shows_is_a_new_asset_too(gateway: Gateway) -> None:
    def breaks(key: str) -> Awaitable[None] | None:
        if key.endswith("/2"):
            gateway.world.paused = True  # the end is on the log, and in no projection yet
            raise ObjectStoreUnavailable("PUT refused")
        return None

    gateway.objects.before_put = breaks
    headers = {**BEARER, "Idempotency-Key": "my-upload"}
    answer = await gateway.client.post("/v1/assets?title=x", data=FILM, headers=headers)
    assert answer.status == 503
    await until(lambda: gateway.world.names() == ["UploadStarted", "UploadFailed"])
    gateway.objects.before_put = lambda key: None
    again = asyncio.create_task(gateway.upload(FILM, Idempotency_Key="my-upload"))
    await until(lambda: gateway.world.names() == ["UploadStarted", "UploadFailed", "UploadStarted"])
    await gateway.world.resume()
    accepted = await again
    assert accepted["state"] == "uploaded"
    assert accepted["id"] != gateway.world.published[0].key
    assert b"".join(parts_of(gateway, accepted["id"])) == FILM


async def test_a_retry_after_a_lost_answer_is_the_same_asset(gateway: Gateway) -> None:
    first = await gateway.upload(FILM, Idempotency_Key="k")
    puts: list[str] = []
    gateway.objects.before_put = puts.append  # type: ignore[assignment]
    second = await gateway.upload(FILM, Idempotency_Key="k")
    assert second["id"] == first["id"]
    assert second["request_id"] == first["request_id"]
    assert second["position"] is None
    assert puts == []
    assert gateway.world.names().count("UploadCompleted") == 1


async def test_a_key_used_for_another_film_is_refused(gateway: Gateway) -> None:
    await gateway.upload(FILM, Idempotency_Key="k")
    headers = {**BEARER, "Idempotency-Key": "k"}
    answer = await gateway.client.post("/v1/assets?title=x", data=b"other", headers=headers)
    assert answer.status == 422
    assert (await answer.json())["type"] == "urn:kinolog:problem:idempotency-key-reused"


async def test_a_retry_takes_over_what_a_killed_gateway_left(gateway: Gateway) -> None:
    """Started, half stored, never ended: as after a SIGKILL."""
    gateway.world.paused = True
    running = asyncio.create_task(gateway.upload(FILM, Idempotency_Key="k"))
    await until(lambda: gateway.world.names() == ["UploadStarted", "UploadCompleted"])
    lost = gateway.world.published.pop()
    await gateway.world.resume()
    first_id = (await running)["id"]
    assert lost.key == first_id
    again = await gateway.upload(FILM, Idempotency_Key="k")
    assert again["id"] == first_id
    assert again["state"] == "uploaded"
    assert gateway.world.names() == ["UploadStarted", "UploadStarted", "UploadCompleted"]


async def test_the_same_key_twice_at_once_is_refused(gateway: Gateway) -> None:
    gate = asyncio.Event()
    gateway.objects.before_put = lambda key: gate.wait()
    running = asyncio.create_task(gateway.upload(FILM, Idempotency_Key="k"))
    await until(lambda: gateway.objects.putting > 0)
    headers = {**BEARER, "Idempotency-Key": "k"}
    answer = await gateway.client.post("/v1/assets?title=x", data=FILM, headers=headers)
    assert answer.status == 409
    assert (await answer.json())["type"] == "urn:kinolog:problem:upload-in-progress"
    assert answer.headers["Retry-After"] == "15"
    gateway.locks.left = dict.fromkeys(gateway.locks.left, 3.2)  # as after a SIGKILL
    answer = await gateway.client.post("/v1/assets?title=x", data=FILM, headers=headers)
    assert answer.headers["Retry-After"] == "4"
    gate.set()
    assert (await running)["state"] == "uploaded"


async def test_without_a_key_the_same_bytes_are_two_assets(gateway: Gateway) -> None:
    assert (await gateway.upload(FILM))["id"] != (await gateway.upload(FILM))["id"]


async def test_a_log_that_takes_nothing_is_503_and_no_bytes_are_stored(gateway: Gateway) -> None:
    gateway.world.broken = True
    answer = await gateway.client.post("/v1/assets?title=x", data=FILM, headers=BEARER)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert gateway.objects.objects == {}


async def test_a_broker_lost_at_the_end_is_503_and_the_retry_completes(gateway: Gateway) -> None:
    def break_at_last_part(key: str) -> None:
        gateway.world.broken = key.endswith("/3")

    gateway.objects.before_put = break_at_last_part
    headers = {**BEARER, "Idempotency-Key": "k"}
    answer = await gateway.client.post("/v1/assets?title=x", data=FILM, headers=headers)
    assert answer.status == 503
    gateway.world.broken = False
    gateway.objects.before_put = lambda key: None
    again = await gateway.upload(FILM, Idempotency_Key="k")
    assert again["state"] == "uploaded"
    assert again["id"] == gateway.world.published[0].key


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


async def test_a_body_that_declares_too_much_is_refused_before_its_first_byte(gateway: Gateway) -> None:
    most = gateway.media.limits.max_bytes
    answer = await gateway.client.post(
        "/v1/assets?title=x",
        data=pieces(b"film"),
        headers={**BEARER, "Content-Type": "video/mp4", "Content-Length": str(most + (1 << 20) + 1)},
    )
    assert answer.status == 413
    assert (await answer.json())["limit_bytes"] == most
    assert gateway.world.published == []
