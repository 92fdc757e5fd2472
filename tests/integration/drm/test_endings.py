"""A player that listens, on the real stack: every way to end what it plays is told, with its reason."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from deploy.local.launcher import Stack
from tests.integration.chat.town import Person, town_of
from tests.integration.drm.test_licences import PATIENCE_S, protected
from tests.integration.drm.test_office import Office
from tests.media_fixtures.numbered import make_clip


class Player:
    """Plays a film on one device of somebody, and listens."""

    def __init__(self, office: Office, by: Person, device: str) -> None:
        self.office, self.by, self.device, self.stream_id = office, by, device, ""

    async def play(self) -> aiohttp.ClientWebSocketResponse:
        assert (await self.office.play(self.by, self.device))[0] == 200
        me = await self.office.ask("GET", "/v1/me", 200, by=self.by)
        [self.stream_id] = [each["stream_id"] for each in me["streams"] if each["device_id"] == self.device]
        socket = await self.office.http.ws_connect(
            f"{self.office.stack.url('drm')}/v1/live", headers=self.by.bearer
        )
        assert await hear(socket) == {"type": "ready"}
        said = {"type": "watch", "stream_id": self.stream_id, "device_id": self.device}
        await socket.send_json(said)
        assert await hear(socket) == {"type": "playing", "stream_id": self.stream_id}
        return socket


async def hear(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return await socket.receive_json(timeout=PATIENCE_S)


async def test_a_player_hears_why_it_must_stop(platform_stack: Stack, tmp_path: Path) -> None:
    made = make_clip(tmp_path / "clip.mp4", frame_count=24, width=320, height=180)
    clip = await asyncio.to_thread(made.path.read_bytes)
    async with aiohttp.ClientSession() as http, town_of(platform_stack) as town:
        ann, bob = await town.person("viewer"), await town.person("viewer")
        asset_id, kids, _ = await protected(platform_stack, http, clip)
        office = Office(platform_stack, http, asset_id, [*kids.values()])
        key = {"Authorization": f"Bearer {platform_stack.credentials['admin_api_key']}"}
        url = f"{platform_stack.url('streaming')}/v1/assets/{asset_id}"
        async with http.patch(url, json={"visibility": "public"}, headers=key) as answer:
            assert answer.status in (200, 202), await answer.text()
        tv, phone, other = Player(office, ann, "tv"), Player(office, ann, "phone"), Player(office, bob, "tv")
        theirs, account = await other.play(), f"/v1/accounts/{ann.account_id}"
        off, on = {"stopped": True, "reason": "stolen"}, {"stopped": False}

        # the account, a device, the film; and every way in which somebody ends a stream
        ends: list[tuple[str, str, Any, str, Person | None]] = [
            ("PUT", f"{account}/stop", off, "account_stopped", None),
            ("PUT", f"{account}/devices/tv/stop", off, "device_stopped", None),
            ("DELETE", f"{account}/streams/{{stream_id}}", None, "", None),
            ("DELETE", "/v1/me/streams/{stream_id}", None, "", ann),
            ("DELETE", "/v1/me/devices/tv", None, "", ann),
            ("DELETE", "/v1/streams/{stream_id}?device_id=tv", None, "", ann),
        ]
        for method, path, body, why, by in ends:
            heard = await tv.play()
            await office.ask(method, path.format(stream_id=tv.stream_id), 200, body, by)
            told = await hear(heard)
            assert (told["type"], told["code"], told["why"]) == ("ended", "stream_ended", why), path
            if body is off:
                await office.ask(method, path, 200, on)

        # what concerns one of them does not end another; the film's switch ends all
        both = [await tv.play(), await phone.play()]
        await office.ask("PUT", f"{account}/devices/tv/stop", 200, off)
        assert (await hear(both[0]))["why"] == "device_stopped"
        await office.ask("PUT", f"/v1/films/{asset_id}/stop", 200, off)
        for listening in (both[1], theirs):
            assert (await hear(listening))["why"] == "asset_stopped"
            assert (await listening.receive(timeout=PATIENCE_S)).type == aiohttp.WSMsgType.CLOSE
        # What the film's switch ended counts no more, also when it is on again.
        await office.ask("PUT", f"/v1/films/{asset_id}/stop", 200, on)
        beat = {"stream_id": phone.stream_id, "device_id": phone.device}
        assert (await office.ask("POST", "/v1/beats", 409, beat, ann))["code"] == "stream_ended"
