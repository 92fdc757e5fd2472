"""What is done to films by others than their owner: the log tells who, whose, and why (sealed)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateways.core.reasons import PLATFORM_SUBJECT, REASON, sealed_reason
from streams.core.sealing import Sealer
from streams.core.vault import Vault
from tests.unit.gateways.conftest import Gateway
from tests.unit.gateways.test_idor import MODERATOR, OWNER, Cast, guard, identities, people

__all__ = ("guard", "identities", "people")  # fixtures
WHY = "shows somebody who did not agree"


async def asked(gateway: Gateway, people: Cast, who: str, asset_id: str) -> list[dict[str, Any]]:
    """Change and delete the film with a reason; the data of both requests."""
    client, headers = gateway.client, people.of(who, asset_id)
    path = f"/v1/assets/{asset_id}"
    answer = await client.patch(path, json={"visibility": "private", "reason": WHY}, headers=headers)
    assert answer.status == 202
    assert (await client.delete(path, params={"reason": WHY}, headers=headers)).status == 202
    names = ("AssetChangeRequested", "DeletionRequested")
    return [e.data for e in gateway.world.published if e.type.endswith(names)]


async def test_who_is_not_the_owner_acts_in_sight_of_the_audit(
    gateway: Gateway, people: Cast, vault: Vault
) -> None:
    asset_id = (await people.upload("owner", "public"))["id"]
    sealer = Sealer(vault)
    await sealer.seal(OWNER, "email", "owner@example.org", create=True)
    for data in await asked(gateway, people, "moderator", asset_id):
        assert (data["actor"], data["owner_id"], data["privileged"]) == (MODERATOR, OWNER, True)
        assert data["reason_subject"] == OWNER
        sealed = base64.b64decode(data["reason_sealed"])
        assert WHY.encode() not in sealed
        assert await sealer.open(OWNER, REASON, sealed) == WHY
    await vault.forget(OWNER)
    assert await Sealer(vault).open(OWNER, REASON, sealed) is None


async def test_the_owner_s_own_acts_are_nobody_s_business(gateway: Gateway, people: Cast) -> None:
    asset_id = (await people.upload("owner", "public"))["id"]
    assert [d["privileged"] for d in await asked(gateway, people, "owner", asset_id)] == [False, False]


async def test_the_administrator_owns_what_nobody_else_does(gateway: Gateway, people: Cast) -> None:
    asset_id = (await gateway.upload())["id"]
    for data in await asked(gateway, people, "administrator", asset_id):
        assert (data["privileged"], data["owner_id"]) == (False, None)


async def test_an_act_without_a_reason_says_none(gateway: Gateway, people: Cast) -> None:
    asset_id = (await people.upload("owner", "public"))["id"]
    path = f"/v1/assets/{asset_id}"
    assert (await gateway.client.delete(path, headers=people.of("moderator", asset_id))).status == 202
    said = gateway.world.published[-1].data
    assert (said["privileged"], said["reason_sealed"], said["reason_subject"]) == (True, None, None)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_reason_that_is_too_long_is_refused(gateway: Gateway, people: Cast, method: str) -> None:
    asset_id = (await people.upload("owner", "public"))["id"]
    where = (
        {"json": {"title": "x", "reason": "y" * 501}}
        if method == "PATCH"
        else {"params": {"reason": "y" * 501}}
    )
    headers = people.of("moderator", asset_id)
    answer = await gateway.client.request(method, f"/v1/assets/{asset_id}", headers=headers, **where)  # type: ignore[arg-type]
    assert answer.status == 422


async def test_a_reason_about_somebody_without_a_key_stands_under_the_platform_s(vault: Vault) -> None:
    sealer = Sealer(vault)
    for owner_id in ("f" * 32, None):
        told = await sealed_reason(sealer, owner_id, WHY)
        assert told["reason_subject"] == PLATFORM_SUBJECT
        sealed = base64.b64decode(told["reason_sealed"] or "")
        assert await sealer.open(PLATFORM_SUBJECT, REASON, sealed) == WHY
