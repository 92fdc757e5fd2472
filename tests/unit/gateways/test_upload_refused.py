"""What is no upload, says what it is not, or is too much: refused with a reason, and nothing stays behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from tests.unit.gateways.conftest import BEARER, PART_SIZE, Gateway
from tests.unit.gateways.uploading import FILM, pieces, until

FORM = {"Content-Type": "multipart/form-data; boundary=x"}

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


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
