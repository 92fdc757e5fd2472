"""Servers that fail in the middle of an upload: an error that can be retried, and the retry works.

On a platform of its own, whose servers may be spoilt.
"""

from __future__ import annotations

import asyncio
import resource
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psutil
import pytest

from deploy.local.launcher import Stack, local_stack
from streams.core.objects import ObjectStore
from tests.integration.gateways.conftest import PATIENCE_S, Api, api_of

PART_SIZE = 8 * 2**20
ROOM_BYTES = 4096  # what a file of the full store may still hold


@pytest.fixture(scope="module")
def own_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with local_stack(tmp_path_factory.mktemp("faults") / "home", platform=True) as started:
        yield started


@pytest.fixture
async def api(own_platform: Stack) -> AsyncIterator[Api]:
    async with api_of(own_platform) as found:
        yield found


@pytest.fixture(scope="module")
def film(clip: bytes) -> bytes:
    """The clip and a box of nothing behind it: a part and a bit."""
    return clip + struct.pack(">I4s", PART_SIZE, b"free") + bytes(PART_SIZE - 8)


async def parts(api: Api) -> set[str]:
    async with ObjectStore(api.stack.settings) as objects:
        return {entry.key async for entry in objects.list("uploads/")}


async def broken_upload(api: Api, film: bytes, key: str, fault: Callable[[], Awaitable[None]]) -> str:
    """Upload, with `fault` when the first part is stored; the code of the answer, which can be retried."""
    before = await parts(api)

    async def body() -> AsyncIterator[bytes]:
        yield film[:PART_SIZE]
        async with asyncio.timeout(PATIENCE_S):
            while await parts(api) == before:  # noqa: ASYNC110 - a store tells nobody
                await asyncio.sleep(0.05)
        await fault()
        yield film[PART_SIZE:]

    async with api.http.post(
        "/v1/assets", params={"title": key}, data=body(), headers={"Idempotency-Key": key}
    ) as answer:
        assert answer.status in (503, 507), await answer.text()
        assert answer.content_type == "application/problem+json"
        problem = await answer.json()
    assert "again" in problem["detail"]
    return str(problem["type"]).rpartition(":")[2]


async def retry_works(api: Api, film: bytes, key: str) -> None:
    """The same request anew, as a client does it that reads the answers."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with api.http.post(
                "/v1/assets", params={"title": key}, data=film, headers={"Idempotency-Key": key}
            ) as answer:
                accepted = await answer.json()
                if answer.status == 202:
                    break
                # The end of the attempt before may not be on the log yet, nor every client be back.
                assert answer.status in (409, 503), accepted
                await asyncio.sleep(float(answer.headers["Retry-After"]))
    assert (await api.state(accepted["id"], "ready", "failed"))["state"] == "ready"
    stored = {name for name in await parts(api) if name.startswith(f"uploads/{accepted['id']}/")}
    assert len(stored) == 2


async def test_a_store_that_is_full_in_mid_upload(api: Api, film: bytes) -> None:
    process = psutil.Process(api.stack.pid("s3"))
    soft, hard = process.rlimit(resource.RLIMIT_FSIZE)

    async def fill() -> None:
        process.rlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))

    try:
        code = await broken_upload(api, film, "full-store", fill)
    finally:
        process.rlimit(resource.RLIMIT_FSIZE, (soft, hard))
    # s3proxy answers 500 and keeps the reason to its own log; stores that tell it give `store-full`.
    assert code in ("unavailable", "store-full")
    async with asyncio.timeout(PATIENCE_S):
        while not (failed := (await api.get("/v1/assets?q=full-store"))["items"]):
            pass
    assert [asset["state"] for asset in failed] in (["failed"], ["uploading"])
    await retry_works(api, film, "full-store")


async def test_a_store_that_goes_away_in_mid_upload(api: Api, film: bytes) -> None:
    async def halt() -> None:
        await asyncio.to_thread(api.stack.kill, "s3")

    try:
        code = await broken_upload(api, film, "lost-store", halt)
    finally:
        await asyncio.to_thread(api.stack.resume, "s3")
    assert code == "unavailable"
    await retry_works(api, film, "lost-store")


async def test_a_broker_that_goes_away_in_mid_upload(api: Api, film: bytes) -> None:
    async def halt() -> None:
        await asyncio.to_thread(api.stack.kill, "kafka")

    try:
        code = await broken_upload(api, film, "lost-broker", halt)
    finally:
        await asyncio.to_thread(api.stack.resume, "kafka")
    assert code == "unavailable"
    await retry_works(api, film, "lost-broker")
