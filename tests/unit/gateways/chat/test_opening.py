"""What clients get of deltas, and what not."""

from __future__ import annotations

from typing import Any

import orjson

from gateways.chat.opening import Opener
from tests.unit.gateways.chat.stage import BEN, delta


class Nobody:
    """No texts, no names."""

    async def open_each(self, texts: list[Any]) -> list[str | None]:
        return [None for _ in texts]

    async def names(self, account_ids: set[str]) -> dict[str, str | None]:
        return dict.fromkeys(account_ids)


async def test_a_purge_names_no_message_since_some_were_hidden() -> None:
    nobody: Any = Nobody()
    purged: Any = delta(1, "purged", account_id=BEN, message_ids=["shown", "held"])
    [(item, doc)] = await Opener(nobody, nobody, nobody)(None, [purged])
    assert item.wire is not None
    assert orjson.loads(item.wire) == doc == {"id": 1, "at_ms": 1, "kind": "purged", "account_id": BEN}
