"""Protected films in Chromium, with the platform's licences: they play, or they stop and say why."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Request, Response, Route, expect

from deploy.local.launcher import Stack
from gateways.drm.denials import words_of
from gateways.drm.playing import HEADER
from schemas.drm.clearkey import kids_of
from tests.e2e.people import Somebody, somebody
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected
from tests.support.browser import PATIENCE_MS
from tests.support.cinema import Office
from tests.support.gateways import all_from, gateway
from tests.support.planting import BOOK

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

VIDEO = "document.querySelector('video')"
LICENCES = "**/v1/licences/clearkey"
SHORTEST_LEASE_S = 10  # players beat every three seconds
LONGEST_LEASE_S = 3600  # what ends while it plays is not learnt from a beat
REFUSALS = ("401", "403", "404", "409")


@dataclass(frozen=True)
class Cinema:
    """Public films, one of each scheme."""

    stack: Stack
    office: Office
    films: dict[str, dict[str, Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cinema(platform_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cinema]:
    path = tmp_path_factory.mktemp("protected") / "half-a-minute.mp4"
    clip = make_clip(path, frame_count=360, fps=Fraction(12), width=320, height=180)
    office, films = Office(platform_stack), {}
    async with connected(platform_stack) as api:
        ids = {
            scheme: await api.upload_file(clip.path, visibility="public", protection=scheme)
            for scheme in ("cenc", "cbcs")
        }
        for scheme, asset_id in ids.items():
            films[scheme] = await api.until(asset_id, "ready")
    yield Cinema(platform_stack, office, films)
    await office.close()


@dataclass
class Seat:
    """A window in front of a film, and what it was told of licences."""

    window: Somebody
    asked: list[Request] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.window.tolerate(*REFUSALS)
        self.window.page.on("response", self._hear)

    async def _hear(self, answer: Response) -> None:
        if not answer.request.url.endswith("/v1/licences/clearkey") or answer.request.method != "POST":
            return
        self.asked.append(answer.request)
        body = await answer.json()
        for key in body.get("keys", ()):
            BOOK.plant("a content key", key["k"])
            BOOK.plant("a content key", base64.urlsafe_b64decode(key["k"] + "==").hex())
        self.words.append(body.get("detail", ""))
        self.codes.append("" if answer.ok else body.get("code") or body["type"].rpartition(":")[2])

    async def sit(self, cinema: Cinema, scheme: str = "cenc", query: str = "", base: str = "") -> None:
        base = base or cinema.stack.url("streaming")
        await self.window.page.goto(f"{base}/watch/{cinema.films[scheme]['id']}{query}")

    async def plays(self) -> None:
        # Browsers let nobody read the pictures of a protected film: that they are decoded has to do.
        await self.window.until_page(
            f"{VIDEO}?.currentTime > 1 && !{VIDEO}.paused && {VIDEO}.webkitAudioDecodedByteCount > 0"
            f" && {VIDEO}.getVideoPlaybackQuality().totalVideoFrames > 9"
        )
        assert await self.window.page.evaluate(f"{VIDEO}.videoHeight") == 180
        await expect(self.denial).to_have_count(0)
        await self.window.page.evaluate(f"{VIDEO}.loop = true")  # however long the test takes

    @property
    def denial(self) -> Locator:
        return self.window.page.locator(".denied")

    async def is_denied(self, code: str) -> None:
        """Nothing plays, and the server's reason stands there."""

        async def told() -> bool:
            return self.codes[-1:] == [code]

        await until(told)
        # What follows the colon, the page lists in the viewer's own time.
        await expect(self.denial).to_contain_text(self.words[-1].partition(":")[0])
        assert await self.window.page.evaluate(f"{VIDEO}.paused && !{VIDEO}.src && !{VIDEO}.srcObject")

    async def is_ended(self, words: str) -> None:
        """What played has stopped, and says why."""
        await expect(self.denial).to_contain_text(words)
        assert await self.window.page.evaluate(f"{VIDEO}.paused && !{VIDEO}.src && !{VIDEO}.srcObject")

    async def play_on(self) -> None:
        await self.denial.get_by_role("button", name=re.compile("Play on|Try again")).click()

    @property
    async def device_id(self) -> str:
        return str(await self.window.page.evaluate("localStorage.getItem('kinolog-device')"))


@contextlib.asynccontextmanager
async def seats(browser: Browser, cinema: Cinema, *, of: str = "") -> AsyncIterator[list[Seat]]:
    """Three windows, all of the person `of` or of nobody's yet. What is refused is what is tested here."""
    async with contextlib.AsyncExitStack() as opened:
        windows = [await opened.enter_async_context(somebody(browser, cinema.stack)) for _ in range(3)]
        if of:
            await windows[0].join("viewer", name=of)
            for other in windows[1:]:
                other.email, other.account_id = windows[0].email, windows[0].account_id
                await other.sign_in()
        yield [Seat(window) for window in windows]


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            if await true():
                return
            await asyncio.sleep(0.05)


async def until_up(*urls: str) -> None:
    """Gateways that have just been started answer."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE_MS / 1000):
        for url in urls:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{url}/health") as answer:
                        if answer.status == 200:
                            break
                await asyncio.sleep(0.05)


async def streams_left(office: Office, account_id: str, count: int) -> list[str]:
    """What plays, once it is so many."""

    async def so_many() -> bool:
        return len(await office.streams(account_id)) == count

    await until(so_many)
    return await office.streams(account_id)


PLAYS = [
    ("cenc", "", "shaka-player", 1),
    ("cbcs", "", "shaka-player", 1),
    ("cenc", "?player=hls", "hls.js", 2),
]


@pytest.mark.parametrize(("scheme", "query", "player", "licences"), PLAYS)
async def test_a_protected_film_plays(
    cinema: Cinema, browser: Browser, scheme: str, query: str, player: str, licences: int
) -> None:
    await cinema.office.film(cinema.films[scheme]["id"])
    async with somebody(browser, cinema.stack) as window:
        viewer = Seat(window)
        await viewer.sit(cinema, scheme, query)
        await viewer.plays()
        name = await viewer.window.page.evaluate("document.querySelector('kl-player').engine.name")
        assert name.startswith(player)

        async def all_heard() -> bool:
            return len(viewer.codes) == licences

        await until(all_heard)
        kids = [kid for request in viewer.asked for kid in kids_of(request.post_data_buffer or b"")]
        assert sorted(kids) == sorted(cinema.films[scheme]["protection"]["keys"].values())
        assert (len(set(kids)), viewer.codes) == (2, [""] * licences)
        guest = f"guest:{await viewer.device_id}"
        assert len(await cinema.office.streams(guest)) == 1
        await viewer.window.page.goto("about:blank")

        async def stopped() -> bool:
            return not await cinema.office.streams(guest)

        await until(stopped)


async def test_what_a_viewer_may_not_watch_does_not_start_and_says_why(
    cinema: Cinema, browser: Browser, tmp_path: Path
) -> None:
    office, film = cinema.office, cinema.films["cenc"]["id"]
    async with seats(browser, cinema, of="Ada") as (tv, phone, tablet), somebody(browser, cinema.stack) as w:
        # Without a right: who is not signed in is offered to, who is gets no further by that.
        await office.film(film, access="rental")
        stranger = Seat(w)
        for each in (stranger, tv):
            await each.sit(cinema)
            await each.is_denied("no_right")
        await expect(stranger.denial.get_by_role("button", name="Sign in")).to_be_visible()
        await expect(tv.denial.get_by_role("button", name="Sign in")).to_have_count(0)
        await office.rent(tv.window.account_id, film)
        await tv.denial.get_by_role("button", name="Try again").click()
        await tv.plays()

        # On a third device; then as the second film at once, which is stopped from where one wants to watch.
        await office.film(film, policy=await office.policy(max_devices=2))
        await phone.sit(cinema)
        await phone.plays()
        await tablet.sit(cinema)
        await tablet.is_denied("too_many_devices")
        await expect(tablet.denial).to_contain_text(
            re.compile("2 of 2 devices are in use.*Chrome on Linux since", re.DOTALL)
        )
        await expect(tablet.denial.get_by_role("button", name="Forget it, play here")).to_have_count(2)
        await office.film(film, policy=await office.policy(max_streams=2, stream_lease_s=LONGEST_LEASE_S))
        await tablet.denial.get_by_role("button", name="Try again").click()
        await tablet.is_denied("too_many_streams")
        await expect(tablet.denial.get_by_role("listitem")).to_have_count(2)
        assert await tablet.window.barriers() == []
        await tablet.denial.get_by_role("button", name="Stop it, play here").first.click()
        await tablet.plays()

        async def one_has_ended() -> bool:
            return await tv.denial.count() + await phone.denial.count() == 1

        await until(one_has_ended)
        await (tv if await tv.denial.count() else phone).is_ended("Playing here was ended")

        # From a country that the policy does not allow, and where nobody knows which it is.
        await office.film(film, policy=await office.policy(countries_denied=["AT"]))
        await stranger.sit(cinema)
        await stranger.is_denied("country_unknown")
        places = all_from("AT", tmp_path)
        with gateway(cinema.stack, tmp_path, "streaming", "drm", GEOIP_FILE=places) as own:
            w.tolerate("CORS policy", "net::ERR_FAILED")  # chat and analytics know the platform's pages alone
            w.friends |= {urlsplit(url).netloc for url in own.values()}
            await until_up(*own.values())
            await stranger.sit(cinema, base=own["streaming"])
            await stranger.is_denied("country_denied")


async def test_switches_stop_what_plays_and_tokens_open_one_licence(cinema: Cinema, browser: Browser) -> None:
    office, film = cinema.office, cinema.films["cenc"]["id"]
    policy = await office.policy(stream_lease_s=LONGEST_LEASE_S)
    async with seats(browser, cinema, of="Grace") as (tv, phone, tablet):
        account_id = tv.window.account_id
        await office.film(film, policy=policy)
        for each in (tv, phone, tablet):
            await each.sit(cinema)
            await each.plays()
        await office.switch(account_id, await tv.device_id)
        await tv.is_ended(words_of("device_stopped"))
        await office.film(film, policy=policy, stopped=True)
        await phone.is_ended(words_of("asset_stopped"))
        await tablet.is_ended(words_of("asset_stopped"))
        await office.film(film, policy=policy)
        for each in (phone, tablet):
            await each.play_on()
            await each.plays()
        # What an office or the account itself ends does not begin again by itself.
        own = await tv.window.open("/account")
        await own.get_by_role("list", name="Playing now").get_by_role("button").first.click()
        [left] = await streams_left(office, account_id, 1)
        await office.end(account_id, left)
        for each in (phone, tablet):
            await each.is_ended("Playing here was ended")
        assert await office.streams(account_id) == []
        await phone.play_on()
        await phone.plays()
        await office.switch(account_id)
        await phone.is_ended(words_of("account_stopped"))
        await phone.play_on()
        await phone.is_denied("account_stopped")
        await office.switch(account_id, off=False)

        # A token that was used for another key's licence; and one whose claims were altered.
        async def again(route: Route) -> None:
            used = tablet.asked[-1].headers[HEADER.lower()] if tablet.codes[-1] == "" else ""
            headers = route.request.headers | ({HEADER.lower(): used} if used else {})
            await route.continue_(headers=headers)

        await tablet.play_on()
        await tablet.plays()
        await tablet.window.page.route(LICENCES, again)
        await tablet.sit(cinema, query="?player=hls")
        await tablet.is_denied("token_used")
        await tablet.window.page.unroute(LICENCES)

        async def altered(route: Route) -> None:
            head, claims, signature = route.request.headers[HEADER.lower()].split(".")
            said = json.loads(base64.urlsafe_b64decode(claims + "=="))
            forged = base64.urlsafe_b64encode(json.dumps({**said, "privileged": True}).encode()).decode()
            token = f"{head}.{forged.rstrip('=')}.{signature}"
            await route.continue_(headers=route.request.headers | {HEADER.lower(): token})

        await tablet.window.page.route(LICENCES, altered)
        await tablet.sit(cinema)
        await tablet.is_denied("bad-credential")


async def test_a_page_that_hears_nothing_learns_of_a_switch_by_its_beat(
    cinema: Cinema, browser: Browser
) -> None:
    office, film = cinema.office, cinema.films["cenc"]["id"]
    policy = await office.policy(stream_lease_s=SHORTEST_LEASE_S)
    await office.film(film, policy=policy)
    async with somebody(browser, cinema.stack) as window:
        viewer = Seat(window)
        await window.page.route_web_socket("**/v1/live", lambda _: None)  # it opens, and nobody is behind it
        await viewer.sit(cinema)
        await viewer.plays()
        await office.film(film, policy=policy, stopped=True)
        await viewer.is_ended(words_of("asset_stopped"))
    await office.film(film, policy=policy)
