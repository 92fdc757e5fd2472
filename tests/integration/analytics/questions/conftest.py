"""The analytics service over the real ClickHouse engine, with tables of the test's own."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from deploy.local.launcher import Stack
from gateways.analytics.question_routes import QUESTION_ROUTES
from gateways.analytics.reading import READING, Reading
from gateways.analytics.service import SERVICE
from gateways.analytics.sharing import Shared
from gateways.analytics.shown_films import ShownFilms
from gateways.core.accounts import AccountCredentials
from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.clickhouse import ClickHouseHistory
from gateways.core.deps import CoreDeps
from gateways.core.projections import Projection, ProjectionReader
from gateways.core.push import Hub
from gateways.core.sessions import Tokens
from gateways.core.standing import Standing
from schemas.analytics.facts import BEATS_DDL, DELIVERY_DDL, STEPS_DDL
from schemas.analytics.tables import VIEWS_DDL
from schemas.analytics.views import BEATS, DELIVERY, STEPS, VIEWS
from schemas.chat.history import MESSAGES_DDL
from schemas.chat.views import MESSAGES
from schemas.media.views import LIBRARY
from streams.core.clients import clickhouse_client, redis_client
from streams.core.sealing import Sealer
from streams.core.settings import Settings
from streams.core.vault import Vault
from tests.support.views import BEGIN_MS, DAY_MS
from tests.unit.gateways.identities import ISSUER, MemoryIdentities

KEY = "kino_analytics_test_key"
TABLES = {
    VIEWS: VIEWS_DDL, BEATS: BEATS_DDL, DELIVERY: DELIVERY_DDL, STEPS: STEPS_DDL, MESSAGES: MESSAGES_DDL,
}  # fmt: skip
NOW_S = (BEGIN_MS + 10 * DAY_MS) / 1000


class NoRedis:
    """Keeps nothing, so that each question is asked."""

    async def get(self, _: str) -> None:
        return None

    async def set(self, *_: Any, **__: Any) -> bool:
        return True

    async def delete(self, _: str) -> None:
        return None


@dataclass
class Asked:
    """The service and its tables."""

    client: TestClient[web.Request, web.Application]
    database: Any
    reading: Reading
    identities: MemoryIdentities

    async def insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        """One block of rows."""
        body = b"\n".join(orjson.dumps(row) for row in rows)
        await self.database.raw_insert(table, list(rows[0]), body, fmt="JSONEachRow")

    async def get(self, path: str, status: int = 200, token: str = KEY, **query: Any) -> Any:
        """The answer; `from_` is sent as `from`."""
        named = {name.rstrip("_"): str(value) for name, value in query.items()}
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.get(path, params=named, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await (answer.json() if "json" in answer.content_type else answer.text())

    def token(self, role: str, account_id: str) -> str:
        """A session token of an account with this role."""
        self.identities.add(role, account_id=account_id)
        return str(self.identities.token(sub=account_id))


@pytest.fixture
async def asked(stack: Stack, vault: Vault) -> AsyncIterator[Asked]:
    name = f"questions_{uuid.uuid4().hex[:12]}"
    url = urlsplit(stack.env["CLICKHOUSE_URL"])
    settings = Settings(**{key.lower(): value for key, value in stack.env.items()})
    own = Settings(clickhouse_url=url._replace(path=f"/{name}").geturl(), redis_url=stack.env["REDIS_URL"])
    database = await clickhouse_client(settings)
    await database.command(f"CREATE DATABASE {name}")
    own_database = await clickhouse_client(own)
    for table, ddl in TABLES.items():
        await own_database.command(ddl.replace("{table}", table))
    redis = redis_client(own)
    hub = Hub(redis)
    await hub.start()
    history = ClickHouseHistory(own)
    identities = MemoryIdentities()
    reader, library = ProjectionReader(redis, hub), Projection(LIBRARY, 12)
    reading = Reading(
        history=history,
        projections=reader,
        library=library,
        films=ShownFilms(reader, library, Sealer(vault)),
        shared=Shared(NoRedis(), lambda: NOW_S),
        clock=lambda: NOW_S,
    )
    guard = Guard(
        admin_key_sha256=hashlib.sha256(KEY.encode()).hexdigest(),
        tokens=Tokens("a secret of the tests, thirty-two bytes at least"),
        accounts=AccountCredentials(Standing(identities), ISSUER),
    )

    def prepare(app: web.Application) -> None:
        app[READING] = reading

    service = Service(name="analytics", routes=QUESTION_ROUTES, errors=SERVICE.errors, prepare=prepare)
    async with TestClient(TestServer(create_app(service, CoreDeps(guard=guard)))) as client:
        yield Asked(client, own_database, reading, identities)
    await history.close()
    await hub.stop()
    await redis.aclose()
    await own_database.close()
    await database.command(f"DROP DATABASE {name} SYNC")
    await database.close()
