"""Rights, policies and switches on the real stack: what is said over HTTP counts for the next licence."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from deploy.local.launcher import Stack
from gateways.drm.requesting import HEADER
from tests.integration.chat.town import Person, town_of
from tests.integration.drm.test_licences import PATIENCE_S, protected
from tests.media_fixtures.numbered import make_clip
from tests.support.clearkey import challenge_of


@dataclass
class Office:
    """The drm service as its callers see it, and a film."""

    stack: Stack
    http: aiohttp.ClientSession
    asset_id: str
    kids: list[str]

    async def ask(self, method: str, path: str, status: int, body: Any = None, by: Any = None) -> Any:
        key = {"Authorization": f"Bearer {self.stack.credentials['admin_api_key']}"}
        headers = key if by is None else by.bearer
        async with self.http.request(
            method, f"{self.stack.url('drm')}{path}", json=body, headers=headers
        ) as answer:
            assert answer.status == status, f"{method} {path}: {await answer.text()}"
            return await answer.json()

    async def play(self, by: Person, device: str) -> tuple[int, Any]:
        """Status and body of a licence on a device."""
        wish = {"asset_id": self.asset_id, "device_id": device, "device_name": f"Ann's {device}"}
        token = await self.ask("POST", "/v1/tokens", 201, wish, by)
        async with self.http.post(
            f"{self.stack.url('drm')}/v1/licences/clearkey",
            data=challenge_of(self.kids),
            headers={HEADER: token["token"], "Content-Type": "application/json"},
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def refused(self, by: Person, device: str) -> str:
        status, body = await self.play(by, device)
        assert status == 403, body
        return str(body["code"])


async def test_what_an_office_says_counts_at_once(platform_stack: Stack, tmp_path: Path) -> None:
    made = make_clip(tmp_path / "clip.mp4", frame_count=24, width=320, height=180)
    clip = await asyncio.to_thread(made.path.read_bytes)
    async with aiohttp.ClientSession() as http, town_of(platform_stack) as town:
        ann = await town.person("viewer")
        asset_id, kids, _ = await protected(platform_stack, http, clip)
        office = Office(platform_stack, http, asset_id, [*kids.values()])
        film, account = f"/v1/films/{asset_id}", f"/v1/accounts/{ann.account_id}"
        published = {"visibility": "public"}
        url = f"{platform_stack.url('streaming')}/v1/assets/{asset_id}"
        key = {"Authorization": f"Bearer {platform_stack.credentials['admin_api_key']}"}
        async with http.patch(url, json=published, headers=key) as answer:
            assert answer.status in (200, 202), await answer.text()

        # a right: none, of a shop, taken back; and the trial says the same
        policy = f"p-{secrets.token_hex(6)}"
        rules = {"max_streams": 2, "max_devices": 5}
        await office.ask("PUT", f"/v1/policies/{policy}", 200, {"replaces": 0, "rules": rules})
        await office.ask("PATCH", film, 200, {"access": "purchase", "policy_id": policy})
        trial = {"asset_id": asset_id, "account_id": ann.account_id, "device_id": "tv"}
        said = await office.ask("POST", "/v1/decisions", 200, trial)
        assert said["code"] == await office.refused(ann, "tv") == "no_right"
        await office.ask("PUT", f"{account}/rights/{asset_id}", 200, {"kind": "bought"})
        assert (await office.ask("POST", "/v1/decisions", 200, trial))["granted"]
        assert (await office.play(ann, "tv"))[0] == 200

        # the third device is told of the other two; a new version of the policy counts at once
        assert (await office.play(ann, "phone"))[0] == 200
        status, body = await office.play(ann, "tablet")
        assert (status, body["code"]) == (403, "too_many_streams")
        assert body["detail"].startswith("Watching on 2 of 2 devices: Ann's ")
        assert {each["device_name"] for each in body["streams"]} == {"Ann's tv", "Ann's phone"}
        await office.ask("PUT", f"/v1/policies/{policy}", 200, {"replaces": 1, "rules": {"max_streams": 3}})
        assert (await office.play(ann, "tablet"))[0] == 200
        me = await office.ask("GET", "/v1/me", 200, by=ann)
        assert len(me["streams"]) == len(me["devices"]) == 3
        await office.ask("DELETE", f"/v1/me/streams/{me['streams'][0]['stream_id']}", 200, by=ann)

        # switches: of an account, a device and the film; each counts for the next request
        off, on = {"stopped": True, "reason": "stolen"}, {"stopped": False}
        for path, code in (
            (f"{account}/stop", "account_stopped"),
            (f"{account}/devices/tv/stop", "device_stopped"),
            (f"{film}/stop", "asset_stopped"),
        ):
            await office.ask("PUT", path, 200, off)
            assert await office.refused(ann, "tv") == code
            await office.ask("PUT", path, 200, on)
        assert (await office.play(ann, "tv"))[0] == 200
        await office.ask("DELETE", f"{account}/rights/{asset_id}", 200)
        assert await office.refused(ann, "tv") == "no_right"

        # what the policy said before is in the history, with who wrote it
        deadline = time.monotonic() + PATIENCE_S
        while True:
            past = await office.ask("GET", f"/v1/policies/{policy}/versions", 200)
            if len(past["items"]) == 2 or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.05)
        assert [(each["version"], each["rules"]["max_streams"]) for each in past["items"]] == [(2, 3), (1, 2)]
        older = await office.ask("GET", f"/v1/policies/{policy}/versions?before=2&limit=1", 200)
        assert ([each["version"] for each in older["items"]], older["next_before"]) == ([1], None)
        newest = await office.ask("GET", f"/v1/policies/{policy}/versions?limit=1", 200)
        assert ([each["version"] for each in newest["items"]], newest["next_before"]) == ([2], 2)

        # all of it stands in the log
        codes = ["", "", "", "", "account_stopped", "device_stopped", "asset_stopped", "too_many_streams"]
        deadline = time.monotonic() + PATIENCE_S
        while True:
            log = await office.ask("GET", f"/v1/licences?asset_id={asset_id}&limit=3", 200)
            items = log["items"]
            while log["next_cursor"]:
                more = f"/v1/licences?asset_id={asset_id}&limit=3&cursor={log['next_cursor']}"
                log = await office.ask("GET", more, 200)
                items += log["items"]
            told = [each["code"] for each in items]
            if sorted(told) == sorted([*codes, "no_right", "no_right"]) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.05)
        assert sorted(told) == sorted([*codes, "no_right", "no_right"])
        assert [each["at_ms"] for each in items] == sorted((each["at_ms"] for each in items), reverse=True)
        assert {each["account_id"] for each in items} == {ann.account_id}
