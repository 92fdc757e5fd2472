"""hls.js, shaka-player and dash.js report by themselves, with CMCD and no line of ours but their settings."""

from __future__ import annotations

import asyncio
import secrets
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from deploy.local.launcher import Stack
from gateways.core.viewing import Viewing
from tests.integration.analytics.playback_log import PATIENCE_S, PlaybackLog
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected
from tests.support.browser import new_context
from tests.support.playback import LIBRARIES, WEB

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LEAST_PLAYED_MS: Final = 3000  # of four seconds: players tell of `playing` a little late
PLAYING_S: Final = 240.0  # of four seconds, on a busy machine
EVENTS: Final = ["ps", "t", "bc", "e", "pr"]
KEYS: Final = ["sid", "cid", "sn", "sta", "br", "pr", "pt", "ec", "bsa", "bsda", "dfa", "sf", "st"]
PAGE: Final = "<!doctype html><meta charset='utf-8'><title>player</title><video muted playsinline></video>"
START: Final = {
    "hls.js": """({ url, sid, cid, to, events, keys }) => {
      const eventTargets = [{ url: to, events, interval: 1, batchSize: 1 }];
      const cmcd = { version: 2, sessionId: sid, contentId: cid, eventTargets };
      const hls = new Hls({ enableWorker: false, cmcd });
      hls.attachMedia(document.querySelector("video"));
      hls.loadSource(url);
    }""",
    "shaka-player": """async ({ url, sid, cid, to, events, keys }) => {
      const player = new shaka.Player();
      player.configure({ cmcd: { enabled: true, version: 2, sessionId: sid, contentId: cid, eventTargets: [
        { url: to, events, interval: 1, batchSize: 1 }] } });
      await player.attach(document.querySelector("video"));
      await player.load(url);
    }""",
    "dash.js": """({ url, sid, cid, to, events, keys }) => {
      const player = dashjs.MediaPlayer().create();
      player.updateSettings({ streaming: { cmcd: { enabled: true, version: 2, sid, cid, eventTargets: [
        { enabled: true, url: to, events, interval: 1, batchSize: 1, enabledKeys: keys }] } } });
      player.initialize(document.querySelector("video"), url, false);
    }""",
}
SCRIPT: Final = {
    "hls.js": LIBRARIES["hls.min.js"],
    # The compiler of the other one renames `sta`, so that it tells no state (5.2.12).
    "shaka-player": WEB / "shaka-player" / "dist" / "shaka-player.compiled.debug.js",
    "dash.js": LIBRARIES["dash.all.min.js"],
}
PLAYED: Final = """async () => {
  const video = document.querySelector("video");
  const until = (reached) => new Promise((done) => {
    const look = () => reached() ? done() : requestAnimationFrame(look);
    look();
  });
  // A player that still sets itself up may stop what was begun.
  const playing = (reached) => until(() => {
    if (video.paused && !video.ended) video.play().catch(() => {});
    return reached();
  });
  await until(() => video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA);
  await playing(() => video.currentTime > 1.5);
  video.pause();
  await until(() => video.paused);
  await playing(() => video.ended);
}"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def public_film(platform_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("cmcd") / "public.mp4"
    make_clip(path, frame_count=100, fps=Fraction(25), width=256, height=144)
    async with connected(platform_stack) as api:
        film = await api.until(await api.upload_file(path), "ready")
        url = platform_stack.url("streaming") + film["links"]["self"]
        async with api.session.patch(url, json={"visibility": "public"}) as answer:
            assert answer.status == 202, await answer.text()
    return film


@pytest.mark.parametrize(
    ("player", "link"), [("hls.js", "hls"), ("shaka-player", "dash"), ("dash.js", "dash")]
)
async def test_a_player_reports_by_itself(
    platform_stack: Stack, public_film: dict[str, Any], browser: Browser, player: str, link: str
) -> None:
    base, log, asset_id = platform_stack.url("streaming"), PlaybackLog(platform_stack), public_film["id"]
    context = await new_context(browser)
    # The page is made up by the browser, which takes it for one from anywhere.
    await context.grant_permissions(["local-network-access"])
    page = await context.new_page()
    await slipped_in(page, base, player)
    sid = secrets.token_hex(8)
    secret = platform_stack.settings.session_secret.get_secret_value()
    view = Viewing(secret.encode()).view_id(sid, asset_id, None)
    how = {
        "url": base + public_film["links"][link], "sid": sid, "cid": asset_id,
        "events": EVENTS, "keys": KEYS, "to": platform_stack.url("analytics") + "/v1/cmcd",
    }  # fmt: skip
    async with asyncio.timeout(PLAYING_S):
        await page.evaluate(START[player], how)
        await page.evaluate(f"({PLAYED})()")
    async with asyncio.timeout(PATIENCE_S):
        while True:
            told = await log.events(1, type="BeatsReported", view_id=view, source="cmcd2")
            beats = {beat["sn"]: beat for report in told for beat in report["beats"]}
            if any(beat["state"] == "ended" for beat in beats.values()):
                break
    await context.close()
    assert {report["film_ms"] for report in told} == {public_film["duration_ms"]}
    states = [state for state, _ in groupby(beats[sn]["state"] for sn in sorted(beats))]
    assert [state for state in states if state in ("playing", "paused", "ended")][:3] == [
        "playing", "paused", "playing",
    ], states  # fmt: skip
    assert {beat["rendition"] for beat in beats.values() if beat["bitrate_kbps"]} <= {
        rung["name"] for rung in public_film["renditions"]
    }
    assert not any(beat["clamped"] for beat in beats.values())
    measured = await until_measured(platform_stack, view)
    assert measured["view"]["playing_ms"] >= LEAST_PLAYED_MS
    assert measured["view"]["reasons"] == ["bot"]  # a browser without a window
    # What it asked for with the same session's id is the same view's.
    served = await log.events(1, type="SegmentsServed", view_id=view)
    assert all(each["cmcd"] for report in served for each in report["segments"])


async def until_measured(stack: Stack, view: str) -> dict[str, Any]:
    """The session as analytics tells it, once it has heard of its end."""
    async with connected(stack) as api, asyncio.timeout(PATIENCE_S):
        while True:
            async with api.session.get(f"{stack.url('analytics')}/v1/views/{view}") as answer:
                found = await answer.json(content_type=None)
            if answer.status == 200 and found["view"]["finished"]:
                session: dict[str, Any] = found
                return session
            await asyncio.sleep(0.1)


async def slipped_in(page: Page, base: str, player: str) -> None:
    """A page of the platform's origin that the platform does not have."""

    async def answer(route: Route) -> None:
        if route.request.url.endswith("/page.html"):
            await route.fulfill(body=PAGE, content_type="text/html")
        else:
            await route.fulfill(path=SCRIPT[player])

    await page.route("**/__player/**", answer)
    await page.goto(f"{base}/__player/page.html")
    await page.add_script_tag(url="/__player/lib.js")
