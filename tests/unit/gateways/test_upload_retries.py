"""Uploads that break off, and the same request once more: by a client, a gateway, the store, the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from streams.core.objects import ObjectStoreFull, ObjectStoreUnavailable
from streams.core.producer import Position
from tests.unit.gateways.conftest import BEARER, Gateway
from tests.unit.gateways.uploading import FILM, parts_of, until


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


async def test_a_client_that_leaves_before_its_beginning_is_acknowledged_fails_the_asset_too(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can see the asset before the gateway hears from the broker."""
    publish, landed = gateway.world.publish, asyncio.Event()

    async def unheard(topic: str, key: str, type: str, *args: Any, **more: Any) -> Position:
        position = await publish(topic, key, type, *args, **more)
        if type.endswith(".UploadStarted"):
            landed.set()
            await asyncio.Event().wait()
        return position

    monkeypatch.setattr(gateway.world, "publish", unheard)
    running = asyncio.create_task(gateway.upload(FILM))
    await landed.wait()
    running.cancel()
    await until(lambda: gateway.world.names() == ["UploadStarted", "UploadFailed"])
    assert gateway.world.published[1].data["code"] == "upload_aborted"
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
