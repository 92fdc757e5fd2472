"""What `kinolog doctor` says of services that are not ready."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy.local import diagnosis

NOT_READY = {"status": "not-ready", "service": "chat", "dependencies": {}, "detail": "Redis does not answer."}


async def test_a_service_that_is_not_ready_names_what_is_away() -> None:
    async def ready(_: web.Request) -> web.Response:
        return web.json_response(NOT_READY, status=503)

    app = web.Application()
    app.router.add_get("/ready", ready)
    async with TestServer(app) as server:
        assert server.port is not None
        port = server.port
        check = await diagnosis._asked("service chat", lambda: diagnosis._service(port))
    assert (check.ok, check.detail) == (False, "not ready: Redis does not answer.")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"\xff"])
def test_what_is_no_service_of_ours_is_not_quoted(body: bytes) -> None:
    assert "what listens on this port?" in diagnosis.unready(body, 404)


async def test_a_dependency_that_hangs_is_said_to_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "PATIENCE_S", 0.01)

    async def hang() -> str:
        await asyncio.Event().wait()
        return ""

    check = await diagnosis._asked("redis", hang)
    assert check.detail.startswith("no answer within 0.01 s")
