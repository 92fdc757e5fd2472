"""Films as analytics knows them, while what they are read from is there and while it is not."""

from __future__ import annotations

from typing import Any

import pytest

from gateways.analytics import films
from gateways.analytics.films import Film, Films
from gateways.core.principal import ANONYMOUS
from gateways.core.projections import Projection

DOCUMENT = {
    "id": "a", "state": "ready", "visibility": "public", "owner_id": "o", "duration_ms": 9000, "audio": None,
    "renditions": [],
}  # fmt: skip


class Reader:
    """A projection that may be away."""

    def __init__(self) -> None:
        self.away = False

    async def pin(self, _: Projection) -> Reader:
        return self

    async def get(self, key: str) -> dict[str, Any] | None:
        if self.away:
            raise ConnectionError("Redis is away")
        return DOCUMENT if key == "a" else None


async def test_what_was_known_is_known_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "FRESH_S", -1.0)  # each is looked up anew
    reader: Any = Reader()
    known = Films(reader, Projection("media.library", 1))
    assert await known.of("a", ANONYMOUS) == Film("o", 9000)
    assert await known.of("none", ANONYMOUS) is None
    reader.away = True
    assert await known.of("a", ANONYMOUS) == Film("o", 9000)
    assert await known.of("none", ANONYMOUS) is None
    with pytest.raises(ConnectionError):
        await known.of("never asked for", ANONYMOUS)
