"""The analytics service over one fake film and a producer that keeps what it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from gateways.analytics.films import Film
from gateways.analytics.intake import Intake
from gateways.analytics.unread import Unread
from gateways.core.countries import Countries
from gateways.core.principal import Principal
from gateways.core.viewing import Viewing
from schemas.wire import codec
from streams.core.producer import LogUnavailable, Position
from tests.unit.gateways.conftest import SECRET

NOW_MS = 1_800_000_000_000
FILM = "01980000-0000-7000-8000-000000000001"
RUNGS = ((928, "360p"), (2928, "720p"))


class Log:
    """Keeps each event, encoded once so that what does not fit its schema fails here."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.ids: list[str | None] = []
        self.away = False
        self.tried = 0

    async def publish(
        self, topic: str, key: str, type: str, data: Mapping[str, Any], *, ce_id: str | None = None,
        cause: str | None = None, trace: str | None = None, at_ms: int | None = None,
    ) -> Position:  # fmt: skip
        self.tried += 1
        if self.away:
            raise LogUnavailable("the broker did not acknowledge")
        codec().encode(type, dict(data))
        assert key == data["view_id"]
        self.events.append((topic, type, dict(data)))
        self.ids.append(ce_id)
        return Position(topic, 0, len(self.events) - 1)


class OneFilm:
    """Knows FILM, of ten seconds; keeps who asked."""

    def __init__(self) -> None:
        self.asked: list[Principal] = []
        self.away = False

    async def of(self, asset_id: str, principal: Principal) -> Film | None:
        self.asked.append(principal)
        if self.away:
            raise ConnectionError("Redis is away")
        return Film("owner", 10_000, RUNGS) if asset_id == FILM else None


def intake_of(log: Log) -> Intake:
    films: Any = OneFilm()
    return Intake(
        producer=log,
        films=films,
        unread=Unread(films, log),
        viewing=Viewing(SECRET.encode()),
        countries=Countries(None),
        clock=lambda: NOW_MS / 1000,
    )


def beat(sn: int, **more: Any) -> dict[str, Any]:
    return {"sn": sn, "ts_ms": NOW_MS - 1000 + sn, "kind": "interval", "state": "playing", **more}


def report(*beats: Any, **more: Any) -> dict[str, Any]:
    return {"sid": "s1", "asset": FILM, "beats": list(beats) or [beat(0)], **more}


async def taken(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    assert answer.status == 202, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found
