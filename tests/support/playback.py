"""Real players in a real browser, and the frame numbers they show.

The test page is slipped into whatever origin serves the presentation (`/__player/` is answered by the
browser's own routing, from this folder and from node_modules), so cookies and relative addresses are those
of the platform, and the platform needs no test page.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Page, Route

from tests.media_fixtures.numbered import READ_NUMBER_JS, NumberedClip

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "gateways" / "web" / "node_modules"
JUDGES = ROOT / "tests" / "judges" / "node_modules"
LIBRARIES = {
    "hls.min.js": WEB / "hls.js" / "dist" / "hls.min.js",
    "shaka-player.compiled.js": WEB / "shaka-player" / "dist" / "shaka-player.compiled.js",
    "dash.all.min.js": JUDGES / "dashjs" / "dist" / "modern" / "umd" / "dash.all.min.js",
    "video.min.js": JUDGES / "video.js" / "dist" / "video.min.js",
}
FEWEST_PICTURES = 5  # of one play; a busy machine drops most of them, and plays again more slowly
SCRIPT = Path(__file__).with_name("player.js")
# Not wait_for_function: that one compiles its text in the page, which the platform's policy forbids.
AWAIT_PICTURE = """new Promise((done, failed) => {
  setTimeout(() => failed(new Error("the page shows no picture after 60 s")), 60000);
  const look = () => document.querySelector("video")?.readyState >= 2 ? done() : requestAnimationFrame(look);
  look();
})"""
PAGE = (
    "<!doctype html><meta charset='utf-8'><title>player</title>"
    "<video id='video' muted playsinline width='640' height='360'></video>"
    f"<script>const READ_NUMBER = {READ_NUMBER_JS};</script><script src='player.js'></script>"
)


@dataclass(frozen=True)
class Shown:
    """A picture on the screen.

    `media_time_s` is that of the picture announced; None where the browser presented no new one.
    """

    number: int | None
    media_time_s: float | None
    width: int
    height: int


@dataclass(frozen=True)
class Watched:
    """One rung as a player showed it."""

    first: Shown
    played: list[Shown]
    sought: dict[int, Shown]
    trouble: list[str]
    duration_s: float
    audio_bytes: int


async def watch(
    page: Page,
    player: str,
    url: str,
    clip: NumberedClip,
    *,
    height: int | None,
    play_s: float,
    seek_frames: Sequence[int],
    rate: float = 2.0,
    licences: str | None = None,
) -> Watched:
    """Open `url` in a fresh page of its own origin, play its beginning, then seek about, paused.

    `height` names the one rung the player may use; None leaves it all of them. `play_s` is media time. Seeks
    aim at the middle of a frame: a browser's clock counts microseconds, so a frame's very edge is a toss.
    `licences` is where a protected film's Clear Key licences are asked for.
    """
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    await page.route("**/__player/**", _answer)
    await page.goto(f"{origin}/__player/page.html")
    first = Shown(**await _call(page, "open", player, url, height, licences))
    watched = await _watched(page, first, clip, play_s, seek_frames, rate)
    await page.goto("about:blank")
    return watched


async def watch_here(
    page: Page, clip: NumberedClip, *, play_s: float, seek_frames: Sequence[int], rate: float = 2.0
) -> Watched:
    """The same with the <video> of the page that is open, and the player that the page gave it."""
    await page.evaluate(AWAIT_PICTURE)
    await page.evaluate(f"const READ_NUMBER = {READ_NUMBER_JS};\n{SCRIPT.read_text()}")
    await _call(page, "seek", float(Fraction(1, 2) / clip.fps), 0)
    return await _watched(page, Shown(**await _call(page, "now")), clip, play_s, seek_frames, rate)


async def _watched(
    page: Page, first: Shown, clip: NumberedClip, play_s: float, seek_frames: Sequence[int], rate: float
) -> Watched:
    played = [Shown(**each) for each in await _call(page, "playUntil", play_s, rate, FEWEST_PICTURES)]
    sought = {}
    for number in seek_frames:
        middle_s = float((number + Fraction(1, 2)) / clip.fps)
        sought[number] = Shown(**await _call(page, "seek", middle_s, number))
    state = await _call(page, "state")
    return Watched(first, played, sought, state["trouble"], state["duration_s"], state["audio_bytes"])


def faults_seen(watched: Watched, clip: NumberedClip, sizes: set[tuple[int, int]]) -> list[str]:
    """Everything about a watched rung that differs from the clip as it was made.

    While a film plays, the canvas holds the picture announced or, on a busy machine, a later one, none
    beyond the one announced next; paused it holds the one of the moment and no other.
    """
    faults = list(watched.trouble)
    pictures = [watched.first, *watched.played]
    # Of the last one nobody knows what came next; where its successors would be, the seeks tell.
    for shown, following in itertools.pairwise(pictures):
        if shown.media_time_s is None or following.media_time_s is None:
            continue
        first, last = round(shown.media_time_s * clip.fps), round(following.media_time_s * clip.fps)
        if shown.number is None or not first <= shown.number <= last:
            faults.append(
                f"at {shown.media_time_s:.4f} s the picture says {shown.number}, not {first}..{last}"
            )
    for number, shown in watched.sought.items():
        if shown.number != number:
            faults.append(f"after a seek to frame {number} the picture says {shown.number}")
    for shown in [*pictures, *watched.sought.values()]:
        if (shown.width, shown.height) not in sizes:
            faults.append(f"a picture of {shown.width}x{shown.height}, expected {sorted(sizes)}")
    if len({shown.number for shown in watched.played}) < FEWEST_PICTURES:
        faults.append(f"only {len(watched.played)} pictures were shown while playing")
    if clip.has_audio != (watched.audio_bytes > 0):
        faults.append(f"{watched.audio_bytes} bytes of sound were decoded")
    if abs(watched.duration_s - clip.duration_s) > 1 / clip.fps:
        faults.append(f"lasts {watched.duration_s:.3f} s, not {clip.duration_s:.3f} s")
    return faults


async def _call(page: Page, name: str, *arguments: Any) -> Any:
    return await page.evaluate("([name, given]) => window.harness[name](...given)", [name, list(arguments)])


async def _answer(route: Route) -> None:
    name = urlsplit(route.request.url).path.split("/__player/", 1)[1]
    if name == "page.html":
        await route.fulfill(body=PAGE, content_type="text/html")
    elif name == "player.js":
        await route.fulfill(path=SCRIPT, content_type="text/javascript")
    elif (library := LIBRARIES.get(name.removeprefix("lib/"))) is not None:
        await route.fulfill(path=library, content_type="text/javascript")
    else:
        await route.fulfill(status=404, body=f"the test page has no {name}")
