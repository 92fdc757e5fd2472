"""Who watches now: one reading for any number of dashboards, each of which is told what it may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.analytics.live import Live, Scope, scope_of
from gateways.analytics.live_socket import LIVE
from gateways.analytics.live_source import watched
from gateways.analytics.question_routes import QUESTION_ROUTES
from gateways.core.accounts import AccountCredentials
from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.deps import CoreDeps
from gateways.core.permissions import ANALYTICS_READ, ASSETS_READ
from gateways.core.principal import Principal
from gateways.core.projections import Projection
from gateways.core.sessions import Tokens
from gateways.core.standing import Standing
from schemas.analytics.views import LIVE as LIVE_VIEWS
from schemas.analytics.views import WATCHING
from schemas.identity.roles import ROLES
from schemas.keys import tag
from tests.unit.gateways.conftest import SECRET, Serve
from tests.unit.gateways.identities import ISSUER, MemoryIdentities

ANALYST = Principal("analyst", frozenset({ANALYTICS_READ, ASSETS_READ}), "token", account_id="c" * 32)
CREATOR = Principal("creator", ROLES["creator"], "token", account_id="a" * 32)
FILMS = {
    "one": {"id": "one", "owner_id": "a" * 32, "visibility": "private", "state": "ready"},
    "two": {"id": "two", "owner_id": "b" * 32, "visibility": "private", "state": "ready"},
    "open": {"id": "open", "owner_id": "b" * 32, "visibility": "public", "state": "ready"},
}


class Films:
    """Documents and titles, without servers."""

    async def documents(self, asset_ids: Any) -> dict[str, Any]:
        return {key: FILMS[key] for key in asset_ids if key in FILMS}

    async def titles(self, asset_ids: Any) -> dict[str, str]:
        return {key: key.upper() for key in asset_ids}


class Dashboard:
    """Keeps what it is told."""

    def __init__(self, principal: Principal = ANALYST) -> None:
        self.principal = principal
        self.told: list[Mapping[str, Any]] = []

    def say(self, document: Mapping[str, Any]) -> None:
        self.told.append(document)


class Platform:
    """What is read, and how often."""

    def __init__(self) -> None:
        self.now_s = 600_000.0
        self.watching: dict[str, int] = {"one": 3, "two": 5, "open": 1, "made-up": 9}
        self.reads: Counter[str] = Counter()
        self.failing: Exception | None = None
        films: Any = Films()
        self.live = Live(self.watched, self.minutes, films, lambda: self.now_s)

    async def watched(self, _: int) -> dict[str, int]:
        self.reads["watched"] += 1
        if self.failing:
            raise self.failing
        return dict(self.watching)

    async def minutes(self, end: int) -> dict[str, dict[int, int]]:
        self.reads["minutes"] += 1
        return {"one": {end - 1: 2}, "two": {end - 1: 4, end - 2: 1}, "made-up": {end - 1: 50}}

    async def tick(self, seconds: float = 1.0) -> None:
        self.now_s += seconds
        await self.live.tick()


@pytest.fixture
def platform() -> Platform:
    return Platform()


async def test_a_snapshot_and_then_what_changes(platform: Platform) -> None:
    dashboard = Dashboard()
    with platform.live.seat(dashboard) as seat:
        await platform.tick()
        assert dashboard.told == []  # it has not asked yet
        seat.watch(None)
        await platform.tick()
        platform.watching["one"] = 4
        await platform.tick()
        await platform.tick()
    await platform.tick()
    snapshot, changed, same = dashboard.told
    assert (snapshot["type"], snapshot["viewers"], len(snapshot["last_minutes"])) == ("snapshot", 9, 60)
    top = [(each["asset_id"], each["viewers"]) for each in snapshot["top"]]
    assert top == [("two", 5), ("one", 3), ("open", 1)]
    assert snapshot["last_minutes"][-1] == {"at_ms": 599_940_000, "viewers": 6}
    assert snapshot["last_minutes"][-2]["viewers"] == 1
    assert (changed["type"], changed["viewers"], changed["top"][1]["viewers"]) == ("delta", 10, 4)
    assert same == {"type": "delta", "at_ms": changed["at_ms"] + 1000, "viewers": 10}


async def test_many_dashboards_cost_one_reading(platform: Platform) -> None:
    dashboards = [Dashboard(CREATOR if number % 2 else ANALYST) for number in range(200)]
    seats = [platform.live.seat(dashboard) for dashboard in dashboards]
    for number, seat in enumerate(seats):
        seat.__enter__().watch(["one", None, "two"][number % 3])
    for _ in range(10):
        await platform.tick()
    assert platform.reads == {"watched": 10, "minutes": 1}
    assert all(len(dashboard.told) == 10 for dashboard in dashboards)
    await platform.tick(60)
    assert platform.reads == {"watched": 11, "minutes": 2}


async def test_everybody_is_told_what_they_may_see(platform: Platform) -> None:
    creator, stranger = Dashboard(CREATOR), Dashboard(Principal("x", frozenset({ANALYTICS_READ}), "key"))
    with platform.live.seat(creator) as own, platform.live.seat(stranger) as unseeing:
        own.watch(None)
        unseeing.watch(None)
        await platform.tick()
        assert creator.told[-1]["viewers"] == 3
        assert creator.told[-1]["top"] == [{"asset_id": "one", "viewers": 3, "title": "ONE"}]
        assert creator.told[-1]["last_minutes"][-1]["viewers"] == 2
        titles = {each["asset_id"]: each["title"] for each in stranger.told[-1]["top"]}
        assert titles == {"one": "", "two": "", "open": "OPEN"}
        own.watch("two")
        await platform.tick()
        assert (creator.told[-1]["viewers"], creator.told[-1]["top"]) == (0, [])
        # Who loses a role is told less from the next second on.
        stranger.principal = CREATOR
        await platform.tick()
        assert stranger.told[-1]["viewers"] == 3


async def test_a_second_dashboard_need_not_wait(platform: Platform) -> None:
    with platform.live.seat(Dashboard()), platform.live.seat(late := Dashboard()) as seat:
        await platform.tick()
        seat.watch(None)
        platform.live.greet(seat)
        assert late.told[0]["type"] == "snapshot"
        platform.now_s += 3
        seat.watch(None)
        platform.live.greet(seat)
        assert len(late.told) == 1  # what was read is too old


async def test_what_is_away_is_read_again_later(platform: Platform) -> None:
    with platform.live.seat(dashboard := Dashboard()) as seat:
        seat.watch(None)
        platform.failing = RedisConnectionError("away")
        await platform.tick()
        assert dashboard.told == []
        platform.failing = None
        await platform.tick()
        assert dashboard.told[0]["type"] == "snapshot"


def test_owners_ask_for_their_own() -> None:
    assert scope_of(ANALYST, "x") == Scope(None, "x")
    assert scope_of(CREATOR, None) == Scope("a" * 32, None)


async def test_who_watches_is_read_from_the_projection(redis: Redis) -> None:
    class Projections:
        async def version(self, _: str) -> int:
            return 1

    class Reading:
        projections = Projections()

    reading: Any = Reading()
    for partition, asset, until_ms in ((0, "one", 2000), (0, "two", 1000), (7, "one", 1001), (11, "x", 500)):
        member = f"{partition:031d}{asset[0]}{asset}"
        await redis.zadd(f"{tag(LIVE_VIEWS, 1, partition)}:{WATCHING}", {member: until_ms})
    assert await watched(reading, redis, Projection(LIVE_VIEWS, 12), 1000) == {"one": 2}


async def test_over_a_web_socket(serve: Serve, platform: Platform) -> None:
    identities = MemoryIdentities()
    identities.add("analyst", account_id="c" * 32)
    identities.add("creator", account_id="a" * 32)
    identities.add("viewer", account_id="d" * 32)
    accounts = AccountCredentials(Standing(identities), ISSUER)
    guard = Guard(admin_key_sha256="", tokens=Tokens(SECRET), accounts=accounts)

    def prepare(app: web.Application) -> None:
        app[LIVE] = platform.live

    app = create_app(
        Service(name="analytics", routes=QUESTION_ROUTES, prepare=prepare), CoreDeps(guard=guard)
    )
    client = await serve(app)

    async def connect(**claims: Any) -> Any:
        token = identities.token(**claims)
        return await client.ws_connect("/v1/live", protocols=("kinolog.v1", f"kinolog.bearer.{token}"))

    socket = await connect(sub="c" * 32)
    assert await socket.receive_json(timeout=30) == {"type": "ready"}
    await socket.send_json({"type": "nonsense"})
    assert (await socket.receive_json(timeout=30))["type"] == "error"
    await socket.send_json({"type": "watch", "asset": 7})
    assert (await socket.receive_json(timeout=30))["code"] == "malformed"
    await platform.tick()
    await socket.send_json({"type": "watch", "asset": "two"})
    snapshot = await socket.receive_json(timeout=30)
    assert (snapshot["type"], snapshot["asset"], snapshot["viewers"]) == ("snapshot", "two", 5)
    await platform.tick()
    assert (await socket.receive_json(timeout=30))["type"] == "delta"
    own = await connect(sub="a" * 32)
    await own.receive_json(timeout=30)
    await own.send_json({"type": "watch"})
    assert (await own.receive_json(timeout=30))["viewers"] == 3
    nobody = await connect(sub="d" * 32)
    await nobody.receive(timeout=30)
    assert nobody.close_code == 4403
