"""Who is erased stands in no list, whatever of them the log still holds; who cannot be looked up does."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.chat.opening import Opener
from gateways.chat.people import KEPT_S, People
from tests.unit.gateways.chat.stage import ANN, BEN, delta

CAT = "c" * 32


class Accounts:
    """The projection of accounts; BEN is erased, and of CAT nothing was ever heard."""

    def __init__(self) -> None:
        self.states = {ANN: "active", BEN: "erased"}
        self.asked: list[list[str]] = []
        self.away = False
        self.now_s = 0.0

    async def pin(self, _: Any) -> Any:
        return self

    async def get_many(self, keys: Sequence[str]) -> list[Any]:
        if self.away:
            raise RedisConnectionError
        self.asked.append(list(keys))
        return [
            {"state": self.states[k], "display_name_sealed": None} if k in self.states else None for k in keys
        ]

    async def open_many(self, sealed: Sequence[Any]) -> list[str]:
        return []


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def people(accounts: Accounts) -> People:
    stand_in: Any = accounts
    return People(stand_in, SimpleNamespace(name="x"), stand_in, lambda: accounts.now_s)  # type: ignore[arg-type]


async def test_who_is_erased_is_left_out_in_order_and_others_stay(people: People, accounts: Accounts) -> None:
    assert list(await people.there([CAT, BEN, ANN])) == [CAT, ANN]
    assert list(await people.there([ANN, BEN])) == [ANN]
    assert dict(await people.names([BEN])) == {BEN: None}
    assert len(accounts.asked) == 1
    accounts.states[ANN] = "erased"
    accounts.now_s += KEPT_S + 1
    assert list(await people.there([ANN, BEN])) == []


async def test_who_cannot_be_looked_up_is_not_taken_for_erased(people: People, accounts: Accounts) -> None:
    accounts.away = True
    assert list(await people.there([ANN, BEN])) == [ANN, BEN]
    accounts.away = False
    assert list(await people.there([ANN, BEN])) == [ANN]


async def test_lists_in_what_a_room_says_hold_nobody_erased(people: People) -> None:
    sealer: Any = SimpleNamespace(open_each=Accounts().open_many)
    no_titles: Any = None
    deltas: Any = [
        delta(0, "moderators", moderators=[ANN, BEN]),
        delta(1, "membership", account_ids=[BEN], added=True),
        delta(2, "removed", message_ids=["m0"], by="author"),
    ]
    wires = [
        orjson.loads(item.wire or b"") for item, _ in await Opener(sealer, people, no_titles)(None, deltas)
    ]
    assert [wire.get("moderators", wire.get("account_ids")) for wire in wires] == [[ANN], [], None]
