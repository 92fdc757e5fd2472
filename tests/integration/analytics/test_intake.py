"""Players report to the real gateways, and what stands on the real log then."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from deploy.local.launcher import Stack
from deploy.local.ports import free_ports
from tests.integration.analytics.playback_log import PATIENCE_S, PlaybackLog
from tests.integration.identity.conftest import Api as Identity
from tests.media_fixtures.numbered import make_clip
from tests.support.api import connected
from tests.support.gateways import all_from, gateway

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


@dataclass
class Players:
    """Clients of the analytics and the streaming service, and a private film of the administrator's."""

    http: aiohttp.ClientSession
    stack: Stack
    film: dict[str, Any]
    log: PlaybackLog

    @property
    def admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stack.credentials['admin_api_key']}"}

    async def report(self, path: str, body: Any, headers: dict[str, str], status: int = 202) -> Any:
        """POST to the analytics service; the answer's document."""
        sent = {"json": body} if path == "/v1/beats" else {"data": body}
        url = self.stack.url("analytics") + path
        async with self.http.post(url, headers=headers, **sent) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def segment(self, number: int, cmcd: str, headers: dict[str, str]) -> int:
        """Bytes of a segment of the lowest rendition."""
        base = self.stack.url("streaming")
        async with self.http.get(base + self.film["links"]["hls"], headers=headers) as answer:
            master = await answer.text()
        rung = next(
            line for line in master.splitlines() if line.endswith(".m3u8") and not line.startswith("#")
        )
        where = self.film["links"]["hls"].rpartition("/")[0]
        async with self.http.get(f"{base}{where}/{rung}", headers=headers) as answer:
            lines = (await answer.text()).splitlines()
        name = [line for line in lines if line.endswith(".m4s")][number]
        async with self.http.get(f"{base}{where}/{name}", params={"CMCD": cmcd}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return len(await answer.read())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def film(platform_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("intake") / "small.mp4"
    make_clip(path, frame_count=100, fps=Fraction(25), width=256, height=144)
    async with connected(platform_stack) as api:
        return await api.until(await api.upload_file(path), "ready")


@pytest_asyncio.fixture(loop_scope="session")
async def players(platform_stack: Stack, film: dict[str, Any]) -> AsyncIterator[Players]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as http:
        yield Players(http, platform_stack, film, PlaybackLog(platform_stack))


def report(sid: str, asset: str, **more: Any) -> dict[str, Any]:
    beats = [
        {"sn": 0, "ts_ms": 1000, "kind": "start", "state": "starting"},
        {"sn": 1, "ts_ms": 1400, "kind": "first_frame", "state": "playing", "playhead_ms": 0},
    ]
    return {"sid": sid, "asset": asset, "beats": beats, **more}


async def test_json_cmcd_and_segments_of_one_playback_are_one_view(players: Players) -> None:
    sid, asset = secrets.token_hex(8), players.film["id"]
    answer = await players.report("/v1/beats", report(sid, asset, viewer="somebody"), players.admin)
    assert answer == {"accepted": 2, "refused": []}
    line = f'cid="{asset}",e=t,sf=h,sid="{sid}",sn=2,sta=p,ts=11000,v=2,pt=1000'
    cmcd = {**players.admin, "Content-Type": "application/cmcd"}
    assert (await players.report("/v1/cmcd", line, cmcd))["accepted"] == 1
    size = await players.segment(1, f'br=400,bs,cid="{asset}",sid="{sid}",sf=h', players.admin)

    [first] = [
        one for one in await players.log.events(1, type="BeatsReported", source="json", asset_id=asset)
        if one["beats"][0]["ts_ms"] == 1000
    ]  # fmt: skip
    view = first["view_id"]
    assert first["key"] == view
    assert (first["film_ms"], first["owner_id"]) == (players.film["duration_ms"], "")
    assert abs(first["received_at_ms"] - time.time() * 1000) < 60_000
    # The player's clock is decades off: both times are kept.
    assert [beat["ts_ms"] for beat in first["beats"]] == [1000, 1400]
    assert [beat["at_ms"] - first["received_at_ms"] for beat in first["beats"]] == [-400, 0]
    [second] = await players.log.events(1, type="BeatsReported", view_id=view, source="cmcd2")
    assert second["beats"][0]["playhead_ms"] == 1000
    [served] = await players.log.events(1, type="SegmentsServed", view_id=view)
    [sent] = served["segments"]
    assert (sent["bytes"], sent["number"], sent["starved"], sent["bitrate_kbps"]) == (size, 1, True, 400)
    text = str([first, second, served])
    assert sid not in text
    assert "somebody" not in text
    assert "127.0.0.1" not in text


async def test_without_cmcd_bytes_are_counted_for_the_film(players: Players) -> None:
    size = await players.segment(0, "", players.admin)
    found = await players.log.events(1, type="SegmentsServed", key=f"asset:{players.film['id']}")
    assert size in [each["bytes"] for one in found for each in one["segments"]]


async def test_a_private_film_is_unknown_to_whom_it_is_not_shown(players: Players) -> None:
    sid, asset = secrets.token_hex(8), players.film["id"]
    await players.report("/v1/beats", report(sid, asset, player=sid), {})
    [found] = await players.log.events(1, type="BeatsReported", player=sid)
    assert (found["film_ms"], found["owner_id"]) == (None, "")


async def test_somebody_elses_session_id_is_another_view(players: Players) -> None:
    sid, asset = secrets.token_hex(8), players.film["id"]
    async with aiohttp.ClientSession(players.stack.url("identity")) as http:
        people = [await Identity(http, players.stack).person() for _ in range(2)]
    for headers in (*(person.bearer for person in people), {}):
        await players.report("/v1/beats", report(sid, asset, player=sid), headers)
    found = await players.log.events(3, type="BeatsReported", player=sid)
    assert len({one["view_id"] for one in found}) == 3
    assert len({one["viewer"] for one in found}) == 3  # the one without a name is nobody


async def test_the_pages_of_the_streaming_service_may_report_with_their_session(players: Players) -> None:
    origin = {"Origin": players.stack.url("streaming")}
    url = players.stack.url("analytics") + "/v1/beats"
    asked = {
        **origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type",
    }  # fmt: skip
    async with players.http.options(url, headers=asked) as preflight:
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Credentials"] == "true"
    async with players.http.post(url, data="[]", headers={**origin, "Content-Type": "text/plain"}) as answer:
        assert answer.status == 202
        assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]


async def test_with_the_broker_away_players_are_told_when_to_come_back(
    players: Players, tmp_path: Path
) -> None:
    """A gateway whose broker does not answer says so, at once where too many wait; nothing else fails."""
    nobody = f"127.0.0.1:{free_ports(('kafka',))['kafka']}"
    own = gateway(
        players.stack, tmp_path, "analytics", KAFKA_BOOTSTRAP_SERVERS=nobody, PUBLISH_TIMEOUT_S="0.5"
    )
    with own as urls:

        async def send() -> tuple[int, str]:
            body = report(secrets.token_hex(8), players.film["id"])
            async with players.http.post(f"{urls['analytics']}/v1/beats", json=body) as answer:
                return answer.status, answer.headers.get("Retry-After", "")

        await until_it_answers(players.http, urls["analytics"])
        got = await asyncio.gather(*(send() for _ in range(200)))
        assert {status for status, _ in got} == {503}
        assert all(int(after) >= 1 for _, after in got)
        await until_it_answers(players.http, urls["analytics"])


async def test_countries_by_a_file_of_the_operators(players: Players, tmp_path: Path) -> None:
    async with aiohttp.ClientSession(players.stack.url("identity")) as http:
        person = await Identity(http, players.stack).person()
    with gateway(
        players.stack, tmp_path, "analytics", "identity", GEOIP_FILE=all_from("AT", tmp_path)
    ) as urls:
        await until_it_answers(players.http, urls["identity"])
        async with aiohttp.ClientSession(urls["identity"]) as http:
            identity = Identity(http, players.stack)
            person = await identity.sign_in(person)
            sessions = (await identity.ask("GET", "/v1/sessions", 200, headers=person.bearer))["items"]
        body = report(secrets.token_hex(8), players.film["id"], player=person.account_id)
        async with players.http.post(f"{urls['analytics']}/v1/beats", json=body) as answer:
            assert answer.status == 202, await answer.text()
    assert "AT" in [session["country"] for session in sessions]
    [found] = await players.log.events(1, type="BeatsReported", player=person.account_id)
    assert found["country"] == "AT"


async def until_it_answers(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(aiohttp.ClientError):
                async with http.get(f"{url}/health") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
