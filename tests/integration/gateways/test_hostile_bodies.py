"""Requests that are made to hurt, sent to every service: each is refused, and the service stays well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from deploy.local.launcher import Stack
from gateways.services import SERVICES

PATIENCE_S = 120  # of a busy machine; a head may take 15 s before its connection is closed
JSON = {"Content-Type": "application/json"}
POST = b"POST /health HTTP/1.1\r\nHost: x\r\n"
FORM = {"Content-Type": "multipart/form-data; boundary=here"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


async def healthy(http: aiohttp.ClientSession, base: str) -> None:
    async with http.get(f"{base}/health") as answer:
        assert answer.status == 200


async def test_a_head_that_drips_is_given_up_and_others_are_served(
    platform_stack: Stack, http: aiohttp.ClientSession
) -> None:
    """On the API's port and on the metrics' port of every service, all at once."""

    async def drip(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        await writer.drain()
        await healthy(http, f"http://127.0.0.1:{port}")
        assert await reader.read() == b""  # closed, without an answer
        writer.close()

    ports = [platform_stack.ports[name + kind] for name in SERVICES for kind in ("", "_metrics")]
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*map(drip, ports))


@pytest.mark.parametrize("service", list(SERVICES))
async def test_heads_and_bodies_that_are_too_much_are_refused(
    platform_stack: Stack, http: aiohttp.ClientSession, service: str
) -> None:
    base = platform_stack.url(service)
    async with http.get(f"{base}/health", headers={"X-Long": "x" * 100_000}) as answer:
        assert answer.status == 400
    async with http.get(f"{base}/health?{'x' * 100_000}") as answer:
        assert answer.status in (400, 414)
    async with http.request("GET", f"{base}/health", data=b"x" * 100_000) as answer:
        assert answer.status == 413  # it takes none
    await healthy(http, base)


@pytest.mark.parametrize("service", list(SERVICES))
async def test_bytes_that_are_no_http_do_not_hurt(
    platform_stack: Stack, http: aiohttp.ClientSession, service: str
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        for raw in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
            b"\x00" * 1000 + b"\r\n\r\n",
            b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            POST + b"Content-Length: -1\r\n\r\n",
            POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", platform_stack.ports[service])
            writer.write(raw)
            await writer.drain()
            head = await reader.readline()
            assert head == b"" or head.split(b" ")[1][:1] == b"4", (raw[:60], head)
            writer.close()
        await healthy(http, platform_stack.url(service))


@pytest.mark.parametrize("service", ["streaming", "identity"])
async def test_bodies_that_are_no_documents_are_refused(
    platform_stack: Stack, http: aiohttp.ClientSession, service: str
) -> None:
    """`/v1/session` takes a document from everybody, on every service that has bodies at all."""
    url = f"{platform_stack.url(service)}/v1/session"
    for raw, statuses in (
        (b"", {400}),
        (b"[" * 20_000, {400, 413}),
        (b'{"api_key":' * 17 + b"1" + b"}" * 17, {400}),
        (b'{"api_key": "\xff\xfe"}', {400}),
        (b'{"api_key": "\\ud800"}', {400}),
        (b'{"api_key": NaN}', {400}),
        (b'{"api_key": "' + b"x" * 2**21 + b'"}', {413}),
        (b"null", {422}),
    ):
        async with http.post(url, data=raw, headers=JSON) as answer:
            assert answer.status in statuses, (raw[:40], await answer.text())
            assert answer.content_type == "application/problem+json"


async def test_forms_that_are_none_make_no_film(platform_stack: Stack, http: aiohttp.ClientSession) -> None:
    admin = {"Authorization": f"Bearer {platform_stack.credentials['admin_api_key']}"}
    url = f"{platform_stack.url('streaming')}/v1/assets"
    part = b"--here\r\nContent-Disposition: form-data; name="
    for raw in (
        b"",
        b"no form at all",
        b"--here--\r\n",
        b"--here\r\n\r\n",
        part + b'"title"\r\n\r\n\xff\xfe\r\n--here--\r\n',
        part + b'"title"\r\n\r\n' + b"x" * 100_000 + b"\r\n--here--\r\n",
        b"--here\r\n" + b"X: y\r\n" * 10_000 + b"\r\n\r\n--here--\r\n",
        b"--here\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\n--in--\r\n--here--\r\n",
    ):
        async with http.post(url, data=raw, headers={**admin, **FORM}) as answer:
            assert answer.status in (400, 413, 415, 422), (raw[:60], answer.status, await answer.text())
    async with http.post(url, data=b"x", headers={**admin, "Content-Type": "multipart/form-data"}) as answer:
        assert answer.status in (400, 415, 422), await answer.text()
