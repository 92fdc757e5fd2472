"""Policies, films, accounts, the licence log and the trial over HTTP: who may do what, and what it does."""

from __future__ import annotations

import re
from typing import Any

import jwt
import orjson
import pytest

from gateways.core.auth import Guard
from gateways.core.sessions import Tokens
from streams.core.sealing import Sealer
from streams.core.vault import Vault
from tests.unit.gateways.conftest import BEARER, KEY
from tests.unit.gateways.drm.conftest import FILM, OWNER, PHONE, TV, Cinema
from tests.unit.gateways.identities import MemoryIdentities, guard_of

OTHER, VIEWER, OPERATOR = "b" * 32, "c" * 32, "d" * 32
ROLES = {OWNER: "creator", OTHER: "creator", VIEWER: "viewer", OPERATOR: "operator"}
POLICY = "/v1/policies/two-screens"


@pytest.fixture
def identities() -> MemoryIdentities:
    return MemoryIdentities.of(ROLES)


@pytest.fixture
def guard(tokens: Tokens, identities: MemoryIdentities) -> Guard:
    return guard_of(identities, tokens, KEY)


@pytest.fixture
def desk(cinema: Cinema, identities: MemoryIdentities) -> Desk:
    return Desk(cinema, identities)


class Desk:
    """Everybody's requests."""

    def __init__(self, cinema: Cinema, identities: MemoryIdentities) -> None:
        self.cinema = cinema
        self.heads = {who: {"Authorization": f"Bearer {identities.token(sub=who)}"} for who in ROLES}

    async def ask(
        self, method: str, path: str, status: int = 200, body: Any = None, who: str = OPERATOR
    ) -> Any:
        headers = BEARER if who == "administrator" else self.heads[who]
        answer = await self.cinema.client.request(method, path, json=body, headers=headers)
        assert answer.status == status, await answer.text()
        return await answer.json()

    async def play(self, device: str = TV, who: str = VIEWER) -> tuple[int, Any]:
        return await self.cinema.play(device, self.heads[who])


async def test_a_policy_is_made_changed_and_counts_at_once(desk: Desk) -> None:
    made = await desk.ask("PUT", POLICY, body={"replaces": 0, "rules": {"max_streams": 1}})
    assert (made["version"], made["rules"]["max_streams"], made["rules"]["max_devices"]) == (1, 1, None)
    assert (await desk.ask("PATCH", f"/v1/films/{FILM}", body={"policy_id": "two-screens"}))["rules"] == (
        made["rules"]
    )
    assert (await desk.play(TV))[0] == 200
    status, body = await desk.play(PHONE)
    assert (status, body["code"], body["streams"][0]["device_id"]) == (403, "too_many_streams", TV)
    await desk.ask("PUT", POLICY, body={"replaces": 1, "rules": {"max_streams": 2}})
    assert (await desk.play(PHONE))[0] == 200
    late = await desk.ask("PUT", POLICY, 409, {"replaces": 1, "rules": {}})
    assert late["code"] == "policy_changed"
    names = [each["policy_id"] for each in (await desk.ask("GET", "/v1/policies"))["items"]]
    assert names == ["default", "two-screens"]
    assert (await desk.ask("GET", POLICY, who=OWNER))["version"] == 2


@pytest.mark.parametrize(
    "rules",
    [
        {"max_streams": 0}, {"licence_s": -1}, {"countries_allowed": ["Germany"]},
        {"hdcp": {"8k": "HDCP_V2"}},
        {"hdcp": {"hd": "HDCP_V9"}}, {"not_before_ms": 2, "not_after_ms": 1}, {"max_screens": 2},
        {"stream_lease_s": 1}, {"systems_allowed": ["betamax"]},
    ],
)  # fmt: skip
async def test_rules_that_make_no_sense_are_refused(desk: Desk, rules: dict[str, Any]) -> None:
    await desk.ask("PUT", POLICY, 422, {"replaces": 0, "rules": rules})
    assert desk.cinema.world.published == []


async def test_who_is_not_there_to_change_cannot(desk: Desk) -> None:
    film, account = f"/v1/films/{FILM}", f"/v1/accounts/{OTHER}"
    switch = {"stopped": True}
    for method, path, body in (
        ("PUT", POLICY, {"replaces": 0, "rules": {}}),
        ("GET", account, None),
        ("PUT", f"{account}/stop", switch),
        ("PUT", f"{account}/devices/tv/stop", switch),
        ("DELETE", f"{account}/devices/tv", None),
        ("DELETE", f"{account}/streams/{'e' * 32}", None),
        ("PUT", f"{account}/rights/{FILM}", {"kind": "bought"}),
        ("DELETE", f"{account}/rights/{FILM}", None),
        ("POST", "/v1/decisions", {"asset_id": FILM}),
    ):
        for who in (VIEWER, OWNER):
            await desk.ask(method, path, 403, body, who)
    for method, path, body in (
        ("GET", film, None), ("PATCH", film, {"access": "free"}), ("PUT", f"{film}/stop", switch),
        ("GET", f"/v1/licences?asset_id={FILM}", None), ("GET", "/v1/licences", None),
    ):  # fmt: skip
        for who in (VIEWER, OTHER):
            assert await desk.ask(method, path, 404 if "films" in path and who == OTHER else 403, body, who)
    await desk.ask("PUT", f"{account}/rights/{FILM}", 403, {"kind": "bought"}, OPERATOR)  # a shop's
    assert desk.cinema.world.published == []


async def test_an_owner_says_who_may_watch_and_the_audit_knows_others(desk: Desk) -> None:
    path = f"/v1/films/{FILM}"
    assert (await desk.ask("PATCH", path, body={"access": "rental"}, who=OWNER))["access"] == "rental"
    assert (await desk.play())[1]["code"] == "no_right"
    assert (await desk.play(who=OWNER))[0] == 200
    await desk.ask("PATCH", path, body={"access": "free", "reason": "a gift"}, who=OPERATOR)
    assert (await desk.play())[0] == 200
    own, theirs = [e.data for e in desk.cinema.world.published if e.type.endswith("AccessChangeRequested")]
    assert (own["privileged"], theirs["privileged"]) == (False, True)
    assert (own["reason_sealed"], "gift" in str(theirs)) == (None, False)
    assert theirs["reason_sealed"] is not None
    await desk.ask("PATCH", path, 404, {"policy_id": "nowhere"}, OWNER)
    await desk.ask("PATCH", path, 422, {}, OWNER)
    shown = await desk.ask("GET", path, who=OWNER)
    assert {key["kid"] for key in shown["protection"]["keys"]} == set(desk.cinema.kids)
    assert not any(key.hex() in str(shown) for key in desk.cinema.keys.values())


async def test_a_shop_gives_a_right_and_takes_it_back(desk: Desk) -> None:
    await desk.ask("PATCH", f"/v1/films/{FILM}", body={"access": "purchase"}, who=OWNER)
    right = f"/v1/accounts/{VIEWER}/rights/{FILM}"
    assert (await desk.play())[1]["code"] == "no_right"
    given = await desk.ask("PUT", right, body={"kind": "bought", "reference": "order 7"}, who="administrator")
    assert given["rights"] == [{"asset_id": FILM, "title": "", "kind": "bought", "until_ms": None}]
    assert (await desk.play())[0] == 200
    assert (await desk.ask("DELETE", right, who="administrator"))["rights"] == []
    assert (await desk.play())[1]["code"] == "no_right"
    assert (await desk.ask("DELETE", right, 409, who="administrator"))["code"] == "no_such_right"
    for wrong in ({"kind": "member"}, {"kind": "rented"}, {"kind": "stolen"}):
        await desk.ask("PUT", right, 422, wrong, "administrator")


async def test_switches_end_what_plays_and_stay(desk: Desk) -> None:
    account = f"/v1/accounts/{VIEWER}"
    for path, code in (
        (f"{account}/stop", "account_stopped"),
        (f"{account}/devices/{TV}/stop", "device_stopped"),
        (f"/v1/films/{FILM}/stop", "asset_stopped"),
    ):
        assert (await desk.play())[0] == 200
        await desk.ask("PUT", path, body={"stopped": True, "reason": "stolen"})
        status, body = await desk.play()
        assert (status, body["code"]) == (403, code)
        stream = (await desk.cinema.ask_token(TV, desk.heads[VIEWER]))["stream_id"]
        beat = {"stream_id": stream, "device_id": TV}
        answer = await desk.cinema.client.post("/v1/beats", json=beat, headers=desk.heads[VIEWER])
        assert (answer.status, (await answer.json())["code"]) == (409, "stream_ended")
        await desk.ask("PUT", path, body={"stopped": False})
    assert (await desk.play())[0] == 200


async def test_what_is_one_s_own_is_seen_ended_and_forgotten(desk: Desk) -> None:
    assert (await desk.play())[0] == 200
    mine = await desk.ask("GET", "/v1/me", who=VIEWER)
    assert mine == await desk.ask("GET", f"/v1/accounts/{VIEWER}")
    [stream], [device], [licence] = mine["streams"], mine["devices"], mine["licences"]
    assert (stream["asset_id"], device["device_id"], licence["code"]) == (FILM, TV, "")
    assert (await desk.ask("GET", "/v1/me", who=OTHER))["streams"] == []
    path = f"/v1/me/streams/{stream['stream_id']}"
    assert (await desk.ask("DELETE", path, 409, who=OTHER))["code"] == "stream_ended"
    assert (await desk.ask("DELETE", path, who=VIEWER))["streams"] == []
    assert (await desk.ask("DELETE", f"/v1/me/devices/{TV}", who=VIEWER))["devices"] == []
    await desk.ask("GET", "/v1/me", 403, who="administrator")


async def test_a_trial_says_what_would_be_and_leaves_nothing(desk: Desk) -> None:
    await desk.ask("PATCH", f"/v1/films/{FILM}", body={"access": "rental"}, who=OWNER)
    wish = {"asset_id": FILM, "account_id": VIEWER, "device_id": TV}
    said = await desk.ask("POST", "/v1/decisions", body=wish)
    assert (said["granted"], said["code"]) == (False, (await desk.play())[1]["code"])
    assert said["words"]
    assert said["detail"]
    assert (await desk.ask("POST", "/v1/decisions", body={**wish, "account_id": OWNER}))["granted"]
    right = f"/v1/accounts/{VIEWER}/rights/{FILM}"
    await desk.ask("PUT", right, body={"kind": "bought"}, who="administrator")
    before = await desk.ask("GET", f"/v1/accounts/{VIEWER}")
    assert (await desk.ask("POST", "/v1/decisions", body=wish))["granted"]
    assert await desk.ask("GET", f"/v1/accounts/{VIEWER}") == before
    await desk.ask("POST", "/v1/decisions", 404, {**wish, "asset_id": "gone"})


async def test_the_log_is_asked_for_what_may_be_seen(desk: Desk) -> None:
    await desk.ask("GET", f"/v1/licences?asset_id={FILM}&outcome=denied&code=no_right&limit=3", who=OWNER)
    [(sql, parameters)] = desk.cinema.past.asked
    assert {name: parameters[name] for name in ("asset_id", "outcome", "code", "limit")} == {
        "asset_id": FILM, "outcome": "denied", "code": "no_right", "limit": 4,
    }  # fmt: skip
    assert "no_right" not in sql
    await desk.ask("GET", "/v1/licences?asset_id=gone", 403, who=OWNER)
    assert (await desk.ask("GET", "/v1/licences"))["items"] == []


async def test_a_denial_names_the_devices_that_are_in_the_way(desk: Desk, vault: Vault) -> None:
    await Sealer(vault).seal(VIEWER, "email", "made with the account", create=True)
    await desk.ask("PUT", POLICY, body={"replaces": 0, "rules": {"max_streams": 1, "max_devices": 2}})
    await desk.ask("PATCH", f"/v1/films/{FILM}", body={"policy_id": "two-screens"})
    said = {"asset_id": FILM, "device_id": TV, "device_name": "living room TV"}
    answer = await desk.cinema.client.post("/v1/tokens", json=said, headers=desk.heads[VIEWER])
    token = (await answer.json())["token"]
    assert "living" not in str(jwt.decode(token, options={"verify_signature": False}))
    assert (await desk.cinema.licence(token))[0] == 200
    status, body = await desk.play(PHONE)
    assert (status, body["code"], body["streams"][0]["device_name"]) == (
        403, "too_many_streams", "living room TV",
    )  # fmt: skip
    assert re.fullmatch(r"Watching on 1 of 1 devices: living room TV since \d\d:\d\d UTC\.", body["detail"])
    stream = (await desk.ask("GET", "/v1/me", who=VIEWER))["streams"][0]
    assert stream["device_name"] == "living room TV"
    await desk.ask("DELETE", f"/v1/me/streams/{stream['stream_id']}", who=VIEWER)
    assert (await desk.play(PHONE))[0] == 200
    status, body = await desk.play("tablet")
    assert (status, body["code"]) == (403, "too_many_devices")
    assert body["detail"].startswith("2 of 2 devices are in use: living room TV since")
    assert "living room" not in str([event.data for event in desk.cinema.world.published])


async def test_older_versions_of_a_policy_come_in_pages_and_owners_see_no_writer(desk: Desk) -> None:
    def row(version: int, **rules: Any) -> dict[str, Any]:
        data = {"version": version, "rules": orjson.dumps(rules).decode(), "actor": OPERATOR}
        return {"version": version, "at_ms": 1000 + version, "data": orjson.dumps(data).decode()}

    past = desk.cinema.past
    past.rows = [row(3, max_streams=2), row(2), row(1, max_streams=1)]
    page = await desk.ask("GET", f"{POLICY}/versions?limit=2")
    told = [(each["version"], each["changed_at_ms"], each["actor"]) for each in page["items"]]
    assert told == [(3, 1003, OPERATOR), (2, 1002, OPERATOR)]
    assert [each["rules"]["max_streams"] for each in page["items"]] == [2, None]
    assert page["next_before"] == 2
    past.rows = [row(1, max_streams=1)]
    page = await desk.ask("GET", f"{POLICY}/versions?limit=2&before=2", who=OWNER)
    assert ([each["actor"] for each in page["items"]], page["next_before"]) == ([None], None)
    _, parameters = past.asked[-1]
    assert (parameters["key"], parameters["before"], parameters["limit"]) == ("two-screens", 2, 3)
    await desk.ask("GET", f"{POLICY}/versions", 403, who=VIEWER)
    await desk.ask("GET", f"{POLICY}/versions?before=0", 422)
