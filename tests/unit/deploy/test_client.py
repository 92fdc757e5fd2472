"""The commands' client of the HTTP API: whom it follows, and where its links lead."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy import client
from deploy.client import Api, ApiRefused, NoSecret, link_or_page, watch_link

Answers = list[tuple[int, dict[str, object]]]
WORKING = (200, {"id": "a", "state": "processing"})


@pytest.fixture
async def answers(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, Answers]]:
    """Address of a service that gives these answers in order, whatever it is asked."""
    monkeypatch.setattr(client, "FOLLOW_EVERY_S", 0)
    left: Answers = []

    async def answer(_: web.Request) -> web.Response:
        status, body = left.pop(0)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), left


async def states(url: str) -> list[object]:
    async with Api(url, "key") as api:
        return [asset["state"] async for asset in api.follow("a")]


async def test_an_asset_is_followed_from_before_it_shows_to_its_end(answers: tuple[str, Answers]) -> None:
    url, left = answers
    left += [(404, {}), WORKING, (200, {"id": "a", "state": "ready"})]
    assert await states(url) == ["processing", "ready"]


@pytest.mark.parametrize("status", [401, 403, 410, 503])
async def test_a_refusal_ends_it(answers: tuple[str, Answers], status: int) -> None:
    url, left = answers
    left += [WORKING, (status, {"title": "No", "detail": "It is gone."})]
    with pytest.raises(ApiRefused, match=r"No: It is gone\."):
        await states(url)


def test_links_lead_to_the_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_SECRET", "s" * 40)
    assert watch_link("a", "http://127.0.0.1:1").startswith("http://127.0.0.1:1/watch/a#code=")
    monkeypatch.setenv("PUBLIC_URL", "https://video.example.org/")
    assert watch_link("a", "http://127.0.0.1:1").startswith("https://video.example.org/watch/a#code=")


def test_without_a_secret_there_is_a_sentence_and_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_SECRET", "")
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    page = "http://127.0.0.1:1/watch/a"
    with pytest.raises(NoSecret, match=f"SESSION_SECRET, of 32 bytes or more.*{page}$"):
        watch_link("a", "http://127.0.0.1:1")
    assert link_or_page("a", "http://127.0.0.1:1") == page
