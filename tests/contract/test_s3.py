"""What Kinolog needs of any S3, run against the local stack's server and one of other making."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from streams.core import s3_requests
from streams.core.objects import (
    NoSuchObject,
    ObjectStore,
    ObjectStoreError,
    ObjectStoreUnavailable,
    RangeNotSatisfiable,
)
from tests.contract.conftest import RunningServer

MANY = 1_100  # above the 1,000 of one listing page and of one delete request


async def test_put_get_stat(objects: ObjectStore) -> None:
    data = bytes(range(256)) * 5
    etag = await objects.put("a/one", data, "video/mp4", {"asset": "x1"})
    assert etag == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert await objects.get("a/one") == data
    info = await objects.stat("a/one")
    assert (info.size, info.etag, info.content_type) == (len(data), etag, "video/mp4")
    assert dict(info.metadata)["asset"] == "x1"
    assert abs(info.modified_at_ms / 1000 - datetime.now(UTC).timestamp()) < 60
    assert await objects.exists("a/one")


async def test_put_replaces_whole(objects: ObjectStore) -> None:
    await objects.put("a/two", b"long content", "text/plain")
    await objects.put("a/two", b"short", "text/plain")
    assert await objects.get("a/two") == b"short"


async def test_empty_object(objects: ObjectStore) -> None:
    await objects.put("a/empty", b"", "text/plain")
    assert await objects.get("a/empty") == b""
    assert (await objects.stat("a/empty")).size == 0


@pytest.mark.parametrize("key", ["k/with space", "k/ä+ö&=?#", "k/100%", "k/~tilde_-.", "k/deep/er/still"])
async def test_keys_of_any_kind(objects: ObjectStore, key: str) -> None:
    await objects.put(key, key.encode(), "text/plain")
    assert await objects.get(key) == key.encode()
    assert key in [entry.key async for entry in objects.list("k/")]
    await objects.delete(key)
    assert not await objects.exists(key)


async def test_missing_object(objects: ObjectStore) -> None:
    for call in (objects.get("nope"), objects.stat("nope")):
        with pytest.raises(NoSuchObject, match="nope"):
            await call
    with pytest.raises(NoSuchObject):
        await anext(aiter(objects.stream("nope")))
    await objects.delete("nope")


async def test_ranges(objects: ObjectStore) -> None:
    data = bytes(range(256)) * 4
    await objects.put("r", data, "application/octet-stream")
    assert await objects.get("r", 10, 20) == data[10:20]
    assert await objects.get("r", 1000) == data[1000:]
    assert await objects.get("r", 1000, 5000) == data[1000:]
    assert await objects.get("r", 0, 1) == data[:1]
    with pytest.raises(RangeNotSatisfiable):
        await objects.get("r", len(data))
    with pytest.raises(ObjectStoreError, match="exclusive"):
        await objects.get("r", 5, 5)


async def test_stream_gives_all_in_pieces(objects: ObjectStore) -> None:
    data = hashlib.sha256(b"seed").digest() * 32 * 1024 * 3  # 3 MiB
    await objects.put("s", data, "application/octet-stream")
    pieces = [piece async for piece in objects.stream("s")]
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) < len(data)
    assert b"".join([piece async for piece in objects.stream("s", 100, 2_000_000)]) == data[100:2_000_000]


async def test_a_part_of_an_upload_fits_in_one_put(objects: ObjectStore) -> None:
    data = hashlib.sha256(b"part").digest() * 32 * 1024 * 8  # 8 MiB
    await objects.put("uploads/x/0", data, "application/octet-stream")
    assert hashlib.sha256(await objects.get("uploads/x/0")).digest() == hashlib.sha256(data).digest()


async def test_copy_keeps_bytes_and_type(objects: ObjectStore) -> None:
    await objects.put("c/from here", b"content", "video/mp4")
    await objects.copy("c/from here", "c/to")
    assert await objects.get("c/to") == b"content"
    assert (await objects.stat("c/to")).content_type == "video/mp4"


async def test_many_objects_are_listed_and_deleted(objects: ObjectStore) -> None:
    limit = asyncio.Semaphore(16)

    async def put(number: int) -> None:
        async with limit:
            await objects.put(f"many/{number:05}", b"x" * (number % 7), "text/plain")

    await asyncio.gather(*(put(number) for number in range(MANY)))
    await objects.put("many-not", b"stays", "text/plain")
    listed = [entry async for entry in objects.list("many/")]
    assert [entry.key for entry in listed] == [f"many/{number:05}" for number in range(MANY)]
    assert [entry.size for entry in listed] == [number % 7 for number in range(MANY)]
    assert await objects.delete_prefix("many/") == MANY
    assert [entry.key async for entry in objects.list("many")] == ["many-not"]
    assert await objects.delete_prefix("many/") == 0


async def test_the_whole_bucket_is_never_a_prefix(objects: ObjectStore) -> None:
    with pytest.raises(ObjectStoreError, match="whole bucket"):
        await objects.delete_prefix("")


async def test_presigned_get(objects: ObjectStore, browser: aiohttp.ClientSession) -> None:
    await objects.put("p/get it", b"0123456789", "video/mp4")
    url = URL(objects.presign_get("p/get it", expires_s=60), encoded=True)
    async with browser.get(url) as answer:
        assert (answer.status, await answer.read()) == (200, b"0123456789")
        assert answer.headers["Content-Type"] == "video/mp4"
    async with browser.get(url, headers={"Range": "bytes=2-4"}) as answer:
        assert (answer.status, await answer.read()) == (206, b"234")
        assert answer.headers["Content-Range"] == "bytes 2-4/10"
    async with browser.get(url, headers={"Range": "bytes=10-"}) as answer:
        assert answer.status == 416


async def test_presigned_put(objects: ObjectStore, browser: aiohttp.ClientSession) -> None:
    url = URL(objects.presign_put("p/put", expires_s=60), encoded=True)
    async with browser.put(url, data=b"from outside") as answer:
        assert answer.status == 200
    assert await objects.get("p/put") == b"from outside"


async def test_presigned_for_reading_does_not_write(
    objects: ObjectStore, browser: aiohttp.ClientSession
) -> None:
    await objects.put("p/ro", b"before", "text/plain")
    async with browser.put(URL(objects.presign_get("p/ro"), encoded=True), data=b"after") as answer:
        assert answer.status == 403
    assert await objects.get("p/ro") == b"before"


async def test_presigned_for_one_object_opens_no_other(
    objects: ObjectStore, browser: aiohttp.ClientSession
) -> None:
    await objects.put("p/mine", b"mine", "text/plain")
    await objects.put("p/yours", b"yours", "text/plain")
    tampered = objects.presign_get("p/mine").replace("p/mine", "p/yours")
    async with browser.get(URL(tampered, encoded=True)) as answer:
        assert answer.status == 403


async def test_presigned_expires(
    objects: ObjectStore, browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AnHourAgo(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(hours=1)

    await objects.put("p/old", b"x", "text/plain")
    with monkeypatch.context() as patch:
        patch.setattr(s3_requests, "datetime", AnHourAgo)
        url = objects.presign_get("p/old", expires_s=60)
    async with browser.get(URL(url, encoded=True)) as answer:
        assert answer.status in (400, 403)


async def test_without_a_signature_nothing_is_read(
    objects: ObjectStore, server: RunningServer, browser: aiohttp.ClientSession
) -> None:
    await objects.put("secret", b"x", "text/plain")
    bare = urlsplit(objects.presign_get("secret"))._replace(query="").geturl()
    async with browser.get(bare) as answer:
        assert answer.status in (401, 403)


async def test_wrong_secret_is_refused_at_once(server: RunningServer) -> None:
    wrong = server.settings.model_copy(update={"s3_secret_key": type(server.settings.s3_secret_key)("wrong")})
    async with ObjectStore(wrong) as objects:
        with pytest.raises(ObjectStoreError, match="S3_SECRET_KEY") as refused:
            await objects.put("a/x", b"x", "text/plain")
        assert not isinstance(refused.value, ObjectStoreUnavailable)
        with pytest.raises(ObjectStoreError):
            await objects.check()


async def test_conditional_reads(objects: ObjectStore, browser: aiohttp.ClientSession) -> None:
    etag = await objects.put("cond", b"content", "text/plain")
    url = URL(objects.presign_get("cond"), encoded=True)
    async with browser.get(url, headers={"If-None-Match": f'"{etag}"'}) as answer:
        assert answer.status == 304
    async with browser.get(url, headers={"If-Match": '"00000000000000000000000000000000"'}) as answer:
        assert answer.status == 412


# Last in the file: these two end the server.
async def test_acknowledged_objects_survive_sigkill(server: RunningServer) -> None:
    async with ObjectStore(server.settings) as objects:
        for number in range(20):
            await objects.put(f"kept/{number}", str(number).encode() * 1000, "video/mp4", {"n": str(number)})
        await asyncio.to_thread(server.end, signal.SIGKILL)
        await asyncio.to_thread(server.start)
        assert len([entry async for entry in objects.list("kept/")]) == 20
        for number in range(20):
            assert await objects.get(f"kept/{number}") == str(number).encode() * 1000
        assert (await objects.stat("kept/7")).content_type == "video/mp4"


async def test_calls_wait_for_a_server_that_comes_back(server: RunningServer) -> None:
    async with ObjectStore(server.settings) as objects:
        await asyncio.to_thread(server.end, signal.SIGKILL)
        waiting = asyncio.create_task(objects.put("patient", b"x", "text/plain"))
        await asyncio.to_thread(server.start)
        await waiting
        assert await objects.get("patient") == b"x"


async def test_a_server_that_stays_away_is_unavailable(server: RunningServer) -> None:
    await asyncio.to_thread(server.end)
    async with ObjectStore(server.settings, give_up_after_s=0.3) as objects:
        with pytest.raises(ObjectStoreUnavailable, match="GET kinolog/gone"):
            await objects.get("gone")
