"""Signing keys as several gateways make and use them, over one log, one vault and one projection."""

from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest

from gateways.core.problem import Problem
from gateways.core.projections import Projection
from gateways.identity.signer import SIGNS_AFTER_S, Signer
from schemas.event import Event
from streams.engine import Refuse
from streams.identity import projections, signing

NOW_S = 1_800_000_000.0


class World:
    """What the gateways share; `publish` decides and shows at once, after letting others come in between."""

    def __init__(self) -> None:
        self.now_s = NOW_S
        self.vault: dict[str, bytes] = {}
        self.state: Any = None
        self.document: Any = None
        self.outcomes: dict[str, dict[str, Any]] = {}

    async def put(self, _: str, entry: str, value: bytes, *, if_absent: bool) -> bool:
        if if_absent and entry in self.vault:
            return False
        self.vault[entry] = value
        return True

    async def get(self, *where: str) -> Any:
        return self.vault.get(where[1]) if len(where) == 2 else self.document

    async def delete(self, _: str, entry: str) -> bool:
        return self.vault.pop(entry, None) is not None

    async def publish(self, _: str, key: str, type: str, data: dict[str, Any], *, ce_id: str) -> None:
        await asyncio.sleep(0)
        event = Event(type, key, data, id=ce_id, at_ms=int(self.now_s * 1000))
        try:
            self.state, outs = signing.decide(self.state, event)
        except Refuse as no:
            self.outcomes[ce_id] = {
                "type": "kinolog.engine.RequestRefused",
                "data": {"code": no.code, "detail": no.detail},
            }
            return
        for out in outs:
            said = Event(out.type, out.key, out.data, at_ms=event.at_ms)
            self.document, _ops = projections.signing(self.document, said)
            self.outcomes[ce_id] = {"type": out.type}

    async def pin(self, _: Projection) -> World:
        return self

    async def await_outcome(self, _: str, request_id: str, __: float) -> dict[str, Any] | None:
        return self.outcomes.get(request_id)

    def signer(self) -> Signer:
        shared: Any = self
        return Signer(
            shared, shared, Projection("identity.signing", 1), shared, "kinolog", clock=lambda: self.now_s
        )


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_of_many_first_keys_one_is_made() -> None:
    world = World()
    tokens = await asyncio.gather(*(world.signer().token("a", "s", [], 300) for _ in range(5)))
    assert {kid_of(token) for token in tokens} == {key["kid"] for key in world.document["keys"]}
    assert list(world.vault) == [kid_of(tokens[0])]


async def test_a_rotated_key_signs_when_its_time_has_come_and_the_old_one_is_forgotten_later() -> None:
    world = World()
    one, other = world.signer(), world.signer()
    first = kid_of(await one.token("a", "s", [], 300))
    second, signs_from_ms = await one.rotate("x", "1" * 32, None, at_once=False)
    third, _ = await one.rotate("x", "2" * 32, None, at_once=False)
    assert signs_from_ms == int((NOW_S + SIGNS_AFTER_S) * 1000)
    assert kid_of(await other.token("a", "s", [], 300)) == first
    world.now_s += SIGNS_AFTER_S
    assert kid_of(await other.token("a", "s", [], 300)) == third
    assert set(world.vault) == {first, second, third}
    world.now_s += 1
    await other.rotate("x", "3" * 32, None, at_once=False)
    assert first not in world.vault
    assert first in {key["kid"] for key in world.document["keys"]}  # its tokens are accepted still


async def test_at_once_leaves_no_token_of_before_valid() -> None:
    world = World()
    signer = world.signer()
    await signer.token("a", "s", [], 300)
    kid, _ = await signer.rotate("x", "1" * 32, None, at_once=True)
    assert kid_of(await signer.token("a", "s", [], 300)) == kid
    ends = [key["verifies_until_ms"] for key in world.document["keys"]]
    assert ends == [int(NOW_S * 1000), None]


async def test_a_late_retry_of_a_rotation_leaves_the_key_that_signs() -> None:
    world = World()
    signer = world.signer()
    kid, _ = await signer.rotate("x", "1" * 32, None, at_once=True)
    with pytest.raises(Problem, match="of this id before"):  # once nobody remembers the request
        await signer.rotate("x", "1" * 32, None, at_once=True)
    assert kid_of(await world.signer().token("a", "s", [], 300)) == kid


async def test_a_vault_without_the_key_that_signs_is_told() -> None:
    world = World()
    await world.signer().token("a", "s", [], 300)
    world.vault.clear()
    with pytest.raises(Problem, match="vault does not hold"):
        await world.signer().token("a", "s", [], 300)
