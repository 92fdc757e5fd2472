"""A film that carries its frame numbers goes in; real players in a real browser show every picture of every
rung where it belongs, in HLS and DASH, while they play and after seeks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from deploy.local.launcher import Stack
from tests.judges.authoring import authoring_problems
from tests.judges.bandwidth import bandwidth_problems
from tests.judges.report import measure
from tests.judges.timing import timing_problems
from tests.media_fixtures.numbered import NumberedClip, make_clip
from tests.support.api import connected
from tests.support.browser import new_context
from tests.support.playback import faults_seen, watch, watch_here

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LADDER = [(640, 360), (854, 480), (1280, 720), (1920, 1080)]
# To both sides of the cuts at 0.5, 1, 2 and 4 s, backwards and forwards, and to both ends.
SEEK_FRAMES = [143, 0, 96, 95, 11, 12, 48, 47, 24, 23, 120]
PLAYERS = [("hls.js", "hls"), ("shaka-player", "hls"), ("shaka-player", "dash")]


@dataclass(frozen=True)
class Shown:
    """A film of the platform, and the clip that it was made from."""

    clip: NumberedClip
    asset: dict[str, Any]
    base: str
    key: str

    def url(self, link: str) -> str:
        return self.base + self.asset["links"][link]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def film_ready(platform_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Six seconds at 24000/1001 frames a second in 1080p, uploaded and encoded."""
    path = tmp_path_factory.mktemp("playback") / "numbered.mp4"
    clip = make_clip(path, frame_count=144, fps=Fraction(24000, 1001), width=1920, height=1080)
    async with connected(platform_stack) as api:
        asset = await api.until(await api.upload_file(clip.path), "ready")
    return Shown(clip, asset, platform_stack.url("streaming"), platform_stack.credentials["admin_api_key"])


async def test_the_ladder_is_the_one_of_its_size(film_ready: Shown) -> None:
    assert [(rung["width"], rung["height"]) for rung in film_ready.asset["renditions"]] == LADDER
    assert film_ready.asset["duration_ms"] == round(film_ready.clip.duration_s * 1000)


@pytest.mark.parametrize(("player", "link"), PLAYERS, ids=lambda value: value)
async def test_every_rung_shows_every_picture_in_its_place(
    film_ready: Shown, browser: Browser, player: str, link: str
) -> None:
    context = await new_context(browser)
    signed_in = await context.request.post(f"{film_ready.base}/v1/session", data={"api_key": film_ready.key})
    assert signed_in.ok
    faults: dict[str, list[str]] = {}
    for size in LADDER:
        seen = await watch(
            await context.new_page(), player, film_ready.url(link), film_ready.clip,
            height=size[1], play_s=2.4, seek_frames=SEEK_FRAMES,
        )  # fmt: skip
        faults[f"{size[1]}p"] = faults_seen(seen, film_ready.clip, {size})
    await context.close()
    assert faults == {f"{height}p": [] for _, height in LADDER}


@pytest.mark.parametrize("query", ["", "?player=dash"], ids=["hls", "dash"])
async def test_the_watch_page_shows_every_picture_in_its_place(
    film_ready: Shown, browser: Browser, query: str
) -> None:
    context = await new_context(browser)
    await context.request.post(f"{film_ready.base}/v1/session", data={"api_key": film_ready.key})
    page = await context.new_page()
    await page.goto(film_ready.url("watch") + query)
    seen = await watch_here(page, film_ready.clip, play_s=2.4, seek_frames=SEEK_FRAMES)
    await context.close()
    assert faults_seen(seen, film_ready.clip, set(LADDER)) == []


async def test_the_judges_find_nothing_in_what_the_gateway_serves(film_ready: Shown) -> None:
    signed = {"Authorization": f"Bearer {film_ready.key}"}
    report = await asyncio.to_thread(measure, film_ready.url("hls"), film_ready.url("dash"), signed)
    problems = [*timing_problems(report), *bandwidth_problems(report), *authoring_problems(report)]
    assert [str(problem) for problem in problems] == []
    assert [len(each.renditions) for each in report.presentations] == [len(LADDER) + 1] * 2


async def test_without_a_session_there_is_nothing_to_play(film_ready: Shown, browser: Browser) -> None:
    context = await new_context(browser)
    for link in ("hls", "dash"):
        answer = await context.request.get(film_ready.url(link))
        assert answer.status == 401
    await context.close()
