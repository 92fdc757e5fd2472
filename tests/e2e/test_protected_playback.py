"""A protected film in Chromium: shaka-player asks once for the keys of sound and pictures, and plays it."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route

from gateways.media.manifests import dash
from schemas.drm import clearkey
from schemas.media.protection import SCHEMES, PlanProtection
from streams.media import boxes
from streams.media.encrypting import encrypted
from streams.media.plan import protected
from tests.media_fixtures.films import encode_file
from tests.media_fixtures.numbered import make_clip
from tests.support import playback
from tests.support.browser import new_context
from tests.unit.media.test_encrypting import KEYS, NAMES, clear
from tests.unit.media.test_manifests import document_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BASE = "http://localhost"  # answered by the browser's own routing


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_with_its_keys_a_film_plays(scheme: str, browser: Browser, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frame_count=48, fps=Fraction(24), width=640, height=360)
    film = await asyncio.to_thread(encode_file, clip.path)
    said = {"scheme": scheme, "systems": ["clearkey"], "policy_id": "default", "version": 1, "keys": NAMES}
    plan = protected(film.plan, cast("PlanProtection", said))
    document = document_of(plan)
    for rung in document["renditions"]:
        rung["codecs"] = boxes.codecs_of(next(iter(film.inits[rung["name"]])))
    files = {"/a/dash/manifest.mpd": dash.manifest(document).encode()}
    for name, made in encrypted(plan, clear(film), KEYS)["renditions"].items():
        folder = f"/a/media/{plan['profile_hash']}/{name}"
        files[f"{folder}/init.mp4"] = made["init"]
        files |= {f"{folder}/{number}.m4s": segment for number, segment in enumerate(made["segments"])}
    asked: list[list[str]] = []

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/licences":
            asked.append(clearkey.kids_of(route.request.post_data_buffer or b""))
            await route.fulfill(body=clearkey.licence(KEYS), content_type="application/json")
        elif path in files:
            await route.fulfill(body=files[path])
        else:
            await route.fulfill(status=404)

    context = await new_context(browser)
    await context.route("**/*", answer)
    page = await context.new_page()
    await page.route("**/__player/**", playback._answer)
    await page.goto(f"{BASE}/__player/page.html")
    await playback._call(
        page, "open", "shaka-player", f"{BASE}/a/dash/manifest.mpd", None, f"{BASE}/licences"
    )
    # Browsers let nobody read the pictures of a protected film: that they are shown has to do.
    shown: list[Any] = await page.evaluate("play(1.0, 1)")
    state = await playback._call(page, "state")
    await context.close()
    assert state["trouble"] == []
    assert state["audio_bytes"] > 0
    assert shown[-1]["media_time_s"] > 0.5
    assert [set(kids) for kids in asked] == [set(KEYS)]
