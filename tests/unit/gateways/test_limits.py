"""Rates: the algorithm in Redis and in memory alike, what is counted, what clients are told, Redis away."""

from __future__ import annotations

import random
from typing import Any

import pytest
from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.chat.routes import ROUTES
from gateways.core.app import Service, create_app
from gateways.core.auth import Guard
from gateways.core.deps import CoreDeps
from gateways.core.gcra import SCRIPT, Local
from gateways.core.limits import Limiter
from gateways.core.permissions import ASSETS_READ, PUBLIC
from gateways.core.principal import ANONYMOUS, Principal
from gateways.core.problem import Problem
from gateways.core.rates import DEFAULTS, IP, KEY, READ, REFUSED, ROOM, USER, WRITE, Rate, RatesWrong, rates
from gateways.core.routes import Route
from streams.core import metrics
from tests.unit.gateways.conftest import BEARER, Serve

NETWORK = "192.0.2.7"
NOW_S = 1_800_000_000.0
SOMEBODY = Principal("a" * 32, frozenset(), "key", account_id="a" * 32, key_id="0123456789abcdef")
SMALL = {
    READ: {USER: Rate(5, 10), KEY: Rate(3, 10), IP: Rate(10, 10)},
    WRITE: {IP: Rate(2, 10)},
    REFUSED: {IP: Rate(2, 10)},
}


async def test_redis_and_memory_give_the_same_answers(redis: Redis) -> None:
    chance, local = random.Random(4), Local()
    now_us, pairs = 1_800_000_000_000_000, []
    # Long times, so that none ends while the test runs: Redis forgets by its own clock.
    limits = {"a": Rate(3, 1000), "b": Rate(7, 3000), "c": Rate(1, 60_000), "d": Rate(5000, 500_000)}
    for _ in range(600):
        now_us += chance.choice((0, 1, 1000, 300_000_000, 2_000_000_000))
        names = chance.sample(sorted(limits), chance.randint(1, 3))
        chosen = [limits[name] for name in names]
        arguments = [now_us, *(number for rate in chosen for number in (rate.each_us, rate.burst_us))]
        flat = await redis.eval(SCRIPT, len(names), *names, *arguments)
        mine = [number for count in local.take(names, chosen, now_us) for number in count]
        pairs.append((flat, mine))
    assert [mine for _, mine in pairs] == [flat for flat, _ in pairs]
    assert any(flat[0] for flat, _ in pairs)


def test_all_may_come_at_once_then_one_for_each_that_has_passed() -> None:
    local, rate = Local(), [Rate(3, 30)]
    at = [0, 0, 0, 0, 9_999_999, 10_000_000, 10_000_000]
    assert [local.take(["x"], rate, 1 + now)[0].wait_us == 0 for now in at] == [
        True, True, True, False, False, True, False,
    ]  # fmt: skip


def test_what_one_refuses_none_counts() -> None:
    local = Local()
    for _ in range(5):
        local.take(["narrow", "wide"], [Rate(1, 10), Rate(100, 10)], 1)
    assert local.take(["wide"], [Rate(100, 10)], 1)[0].left == 98


async def test_a_clock_that_is_put_back_makes_nobody_wait_longer_than_a_burst(redis: Redis) -> None:
    local, rate, hour_us = Local(), Rate(3, 30), 3_600_000_000
    late_us = 1_800_000_000_000_000
    for now_us in (late_us, late_us - hour_us):
        [count] = local.take(["x"], [rate], now_us)
        flat = await redis.eval(SCRIPT, 1, "x", now_us, rate.each_us, rate.burst_us)
    assert (count.wait_us, count.left) == (rate.each_us, 0)
    assert flat == list(count)


def test_memory_is_bounded() -> None:
    local = Local(most=10)
    for number in range(100):
        local.take([f"client {number}"], [Rate(1, 60)], 1)
    assert len(local._due) == 10


async def spend(limiter: Limiter, name: str, principal: Principal, network: str = NETWORK) -> int:
    """How many requests get through until one is refused."""
    for number in range(100):
        try:
            await limiter.take(name, principal, network)
        except Problem as refusal:
            if refusal.kind.slug != "too-many-requests" or int(refusal.headers["Retry-After"]) < 1:
                raise
            return number
    return 100


async def test_user_key_and_network_each_have_their_rate(redis: Redis) -> None:
    limiter = Limiter(redis, b"secret", SMALL)
    assert await spend(limiter, READ, SOMEBODY) == 3  # the key's
    session = Principal("a" * 32, frozenset(), "session", account_id="a" * 32)
    assert await spend(limiter, READ, session) == 2  # what the user has left
    assert await spend(limiter, READ, ANONYMOUS) == 5  # what the network has left
    assert await spend(limiter, READ, ANONYMOUS, "192.0.2.8") == 10
    assert await spend(limiter, WRITE, ANONYMOUS) == 2  # another class


async def test_gateways_count_together_and_show_no_names(redis: Redis) -> None:
    one, other = (Limiter(redis, b"secret", SMALL) for _ in range(2))
    assert await spend(one, WRITE, ANONYMOUS) == 2
    assert await spend(other, WRITE, ANONYMOUS) == 0
    await spend(one, READ, SOMEBODY)
    keys = [key.decode() for key in await redis.keys("*")]
    assert len(keys) == 4
    for hidden in (NETWORK, SOMEBODY.subject, SOMEBODY.key_id):
        assert not any(str(hidden) in key for key in keys)
    assert all([0 < await redis.pttl(key) <= 10_000 for key in keys])


class Broken:
    """A Redis that is away until it is back."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.away = True
        self.asked = 0

    async def evalsha(self, *arguments: Any) -> Any:
        self.asked += 1
        if self.away:
            raise RedisConnectionError("refused")
        return await self.redis.evalsha(*arguments)

    async def eval(self, *arguments: Any) -> Any:
        return await self.redis.eval(*arguments)


async def test_redis_away_a_local_limiter_holds_and_a_metric_says_so(redis: Redis) -> None:
    now, broken = [NOW_S], Broken(redis)
    limiter = Limiter(broken, b"secret", SMALL, clock=lambda: now[0])
    before = metrics.LIMITS_LOCAL._value.get()
    assert await spend(limiter, WRITE, ANONYMOUS) == 2
    assert metrics.LIMITS_LOCAL._value.get() == before + 3
    assert broken.asked == 1  # not at each request
    broken.away = False
    now[0] += 1.0
    assert await spend(limiter, WRITE, ANONYMOUS) == 2  # Redis counts again, from what it knows
    assert broken.asked == 4


def test_rates_are_data_and_settings_change_them() -> None:
    found = rates({"sign-in": {"ip": "20/60"}, "read": {"user": "off"}})
    assert found["sign-in"][IP] == Rate(20, 60)
    assert USER not in found[READ]
    assert found[WRITE] == DEFAULTS[WRITE]
    for wrong, said in (
        ({"reads": {}}, "no class 'reads'"),
        ({"read": {"users": "1/1"}}, "'users' is not one of"),
        ({"read": {"user": "often"}}, "'often' is no rate"),
        ({"read": {"user": "0/60"}}, "no rate"),
    ):
        with pytest.raises(RatesWrong, match=said):
            rates(wrong)  # type: ignore[arg-type]


async def test_an_account_opens_only_so_many_rooms() -> None:
    [opening] = [each for each in ROUTES if each.name == "POST /v1/rooms"]
    assert opening.rate_class == ROOM
    limiter = Limiter(None, b"secret", clock=lambda: NOW_S)
    for _ in range(DEFAULTS[ROOM][USER].most):
        await limiter.take(opening.rate_class, SOMEBODY, NETWORK)
    with pytest.raises(Problem) as refused:
        await limiter.take(opening.rate_class, SOMEBODY, NETWORK)
    assert (refused.value.kind.slug, refused.value.members["policy"]) == ("too-many-requests", "room-user")
    with pytest.raises(RatesWrong, match=r"RATE_LIMITS\.room"):
        rates({"room": {"user": "many"}})
    assert rates({"room": {"user": "off"}})[ROOM] == {}


async def show(_: web.Request) -> web.Response:
    return web.Response()


def route(path: str, permission: str = PUBLIC, **more: Any) -> Route:
    return Route(method="GET", path=path, handler=show, permission=permission, summary=path, **more)


@pytest.fixture
async def client(redis: Redis, guard: Guard, serve: Serve) -> Any:
    service = Service(
        name="chat",
        routes=(route("/read"), route("/free", limits=None), route("/private", ASSETS_READ, limits=None)),
    )
    limiter = Limiter(redis, b"secret", {**SMALL, READ: {IP: Rate(3, 60)}})
    return await serve(create_app(service, CoreDeps(guard=guard, limiter=limiter)))


async def test_clients_are_told_what_is_left_and_when_to_come_back(client: Any) -> None:
    answers = [await client.get("/read") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Policy"] for answer in answers] == ['"read-ip";q=3;w=60'] * 4
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    refused = answers[-1]
    assert 0 < int(refused.headers["Retry-After"]) <= 20
    body = await refused.json()
    assert body["type"] == "urn:kinolog:problem:too-many-requests"
    assert body["policy"] == "read-ip"


async def test_what_is_not_counted_costs_no_call(client: Any, redis: Redis) -> None:
    for path in ("/free", "/health", "/docs"):
        answer = await client.get(path)
        assert answer.status == 200
        assert "RateLimit" not in answer.headers
    assert await redis.keys("*") == []


async def test_guessing_credentials_has_a_rate_of_its_own(client: Any) -> None:
    wrong = {"Authorization": "Bearer kino_wrong"}
    assert [(await client.get("/private", headers=wrong)).status for _ in range(3)] == [401, 401, 429]
    assert (await client.get("/private", headers=BEARER)).status == 200
