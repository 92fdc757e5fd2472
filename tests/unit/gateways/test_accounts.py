"""Accounts' credentials: what lets in, what they may do, and how soon what has ended is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from redis.exceptions import ConnectionError as RedisConnectionError

from gateways.core.accounts import AccountCredentials
from gateways.core.app import Service, create_app
from gateways.core.auth import COOKIE, Guard
from gateways.core.deps import CoreDeps
from gateways.core.endpoint import json_response
from gateways.core.owning import require_owner
from gateways.core.permissions import ACCOUNT_SELF, ASSETS_DELETE, ASSETS_READ, PUBLIC, SESSION
from gateways.core.principal import principal_of
from gateways.core.routes import Route
from gateways.core.sessions import Tokens
from gateways.core.standing import Standing
from schemas.identity.roles import ROLES
from tests.unit.gateways.conftest import SECRET, Serve
from tests.unit.gateways.identities import ACCOUNT, ISSUER, KEY_ID, SID, MemoryIdentities, now_ms


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def who(request: web.Request) -> web.Response:
    principal = principal_of(request)
    return json_response(
        {
            "subject": principal.subject,
            "permissions": sorted(principal.permissions),
            "via": principal.via,
            "key_id": principal.key_id,
            "session_id": principal.session_id,
        }
    )


async def delete_of(request: web.Request) -> web.Response:
    require_owner(request, request.query.get("owner"))
    return web.Response(status=204)


async def forgetful(_: web.Request) -> web.Response:
    return web.Response(status=204)


def route(path: str, handler: Any, permission: str, method: str = "GET", **more: Any) -> Route:
    return Route(method=method, path=path, handler=handler, permission=permission, summary=path, **more)


SERVICE = Service(
    name="identity",
    routes=(
        route("/who", who, SESSION),
        route("/self", who, ACCOUNT_SELF),
        route("/assets", who, ASSETS_READ),
        route("/open", who, PUBLIC),
        route("/thing", delete_of, ASSETS_DELETE, "DELETE", owned=True),
        route("/forgotten", forgetful, ASSETS_DELETE, "DELETE", owned=True),
        route("/strict", forgetful, ASSETS_DELETE, "DELETE"),
    ),
)


class Gate:
    """A small service behind the real guard."""

    def __init__(self) -> None:
        self.identities = MemoryIdentities()
        self.clock = Clock()
        self.used: list[tuple[str, str, int]] = []
        standing = Standing(self.identities, clock=self.clock)
        self.guard = Guard(
            admin_key_sha256="",
            tokens=Tokens(SECRET),
            accounts=AccountCredentials(standing, ISSUER, usage=lambda *used: self.used.append(used)),
        )
        self.client: Any = None

    async def get(self, path: str, text: str, **more: Any) -> tuple[int, dict[str, Any]]:
        answer = await self.client.get(path, headers={"Authorization": f"Bearer {text}"}, **more)
        return answer.status, await answer.json()

    async def delete(self, path: str, text: str) -> int:
        answer = await self.client.delete(path, headers={"Authorization": f"Bearer {text}"})
        return int(answer.status)


@pytest.fixture
async def gate(serve: Serve) -> Gate:
    gate = Gate()
    gate.client = await serve(create_app(SERVICE, CoreDeps(guard=gate.guard)))
    return gate


async def test_a_session_token_lets_in_with_the_roles_that_hold_now(gate: Gate) -> None:
    gate.identities.add("analyst")
    token = gate.identities.token(roles=["admin"])
    status, found = await gate.get("/who", token)
    assert status == 200
    assert found == {
        "subject": ACCOUNT, "permissions": sorted(ROLES["analyst"]), "via": "token", "key_id": None,
        "session_id": SID,
    }  # fmt: skip
    gate.identities.add("creator")
    gate.clock.now_s += 0.51
    assert (await gate.get("/who", token))[1]["permissions"] == sorted(ROLES["creator"])


async def test_a_cookie_holds_a_session_token_and_is_bound_to_our_pages(gate: Gate) -> None:
    gate.identities.add("moderator")
    cookies = {COOKIE: gate.identities.token()}
    answer = await gate.client.get("/who", cookies=cookies)
    assert (await answer.json())["via"] == "session"
    own = {"Origin": f"http://{gate.client.host}:{gate.client.port}"}
    for headers, status in (({}, 403), ({"Origin": "https://evil.example"}, 403), (own, 204)):
        assert (await gate.client.delete("/strict", cookies=cookies, headers=headers)).status == status


@pytest.mark.parametrize("state", ["invited", "disabled", "erased"])
async def test_only_active_accounts_get_in(gate: Gate, state: str) -> None:
    gate.identities.add("admin", state=state)
    key = gate.identities.add_key(ASSETS_READ)
    for text in (gate.identities.token(), key):
        assert (await gate.get("/assets", text))[0] == 401


async def test_what_has_ended_is_refused_within_half_a_second(gate: Gate) -> None:
    document = gate.identities.add("analyst")
    token, key = gate.identities.token(), gate.identities.add_key(ASSETS_READ)
    assert (await gate.get("/assets", token))[0] == (await gate.get("/assets", key))[0] == 200
    document["sessions"], document["api_keys"] = {}, {}
    gate.identities.accounts[ACCOUNT] = document
    gate.clock.now_s += 0.51
    assert (await gate.get("/assets", token))[0] == (await gate.get("/assets", key))[0] == 401


async def test_a_session_that_began_a_moment_ago_is_known(gate: Gate) -> None:
    """The account was read just before: that must not count against what came after it."""
    document = gate.identities.add("analyst")
    assert (await gate.get("/who", gate.identities.token()))[0] == 200
    gate.clock.now_s += 0.001
    sessions = {**document["sessions"], "6" * 32: document["sessions"][SID]}
    gate.identities.accounts[ACCOUNT] = {**document, "sessions": sessions}
    assert (await gate.get("/who", gate.identities.token(sid="6" * 32)))[0] == 200


async def test_a_session_ends_by_its_time(gate: Gate) -> None:
    document = gate.identities.add("analyst")
    document["sessions"][SID]["expires_at_ms"] = now_ms() - 1
    assert (await gate.get("/who", gate.identities.token()))[0] == 401


async def test_a_key_gives_what_both_its_scopes_and_its_account_s_roles_hold(gate: Gate) -> None:
    gate.identities.add("analyst")
    key = gate.identities.add_key("assets:read", "users:write")
    status, found = await gate.get("/who", key)
    assert status == 200
    assert found == {
        "subject": ACCOUNT, "permissions": ["assets:read"], "via": "key", "key_id": KEY_ID, "session_id": None
    }  # fmt: skip
    assert (await gate.get("/self", key))[0] == 403


@pytest.mark.parametrize("field", ["expires_at_ms", "ends_at_ms"])
async def test_a_key_ends_by_its_time(gate: Gate, field: str) -> None:
    gate.identities.add("analyst")
    assert (await gate.get("/who", gate.identities.add_key(**{field: now_ms() + 60_000})))[0] == 200
    gate.clock.now_s += 1
    assert (await gate.get("/who", gate.identities.add_key(**{field: now_ms() - 1})))[0] == 401


async def test_a_key_works_only_if_both_the_vault_and_the_projection_know_it(gate: Gate) -> None:
    gate.identities.add("analyst")
    key = gate.identities.add_key(ASSETS_READ)
    del gate.identities.hashes[KEY_ID]
    assert (await gate.get("/assets", key))[0] == 401
    gate.clock.now_s += 1
    gate.identities.add_key(ASSETS_READ)
    gate.identities.accounts[ACCOUNT]["api_keys"] = {}
    assert (await gate.get("/assets", key))[0] == 401


async def test_a_wrong_secret_of_a_known_key_is_refused(gate: Gate) -> None:
    gate.identities.add("analyst")
    key = gate.identities.add_key(ASSETS_READ)
    for text in (key[:-1] + "y", key + "x", key[:20], key.upper(), f"kino_{'f' * 16}_{'x' * 43}"):
        assert (await gate.get("/assets", text))[0] == 401


async def test_a_key_of_another_account_s_document_is_refused(gate: Gate) -> None:
    gate.identities.add("analyst")
    gate.identities.add("admin", account_id="b" * 32)
    key = gate.identities.add_key(ASSETS_READ)
    gate.identities.hashes[KEY_ID] = gate.identities.hashes[KEY_ID]._replace(account_id="b" * 32)
    assert (await gate.get("/assets", key))[0] == 401


@pytest.mark.parametrize("away", [RedisConnectionError("refused"), OSError("refused"), TimeoutError()])
async def test_where_standing_cannot_be_read_nobody_is_let_in(gate: Gate, away: Exception) -> None:
    gate.identities.add("analyst")
    token, key = gate.identities.token(), gate.identities.add_key(ASSETS_READ)
    gate.identities.away = away
    for text in (token, key):
        status, body = await gate.get("/assets", text)
        assert status == 503
        assert body["type"].endswith("unavailable")
        assert "looked up" in body["detail"]
    cookies = {COOKIE: token}
    assert (await gate.client.get("/assets", cookies=cookies)).status == 503
    opened = await gate.client.get("/open", cookies=cookies)
    assert (await opened.json())["via"] == "none"


async def test_a_thousand_requests_at_once_read_an_account_once(gate: Gate) -> None:
    gate.identities.add("analyst")
    token = gate.identities.token()
    found = await asyncio.gather(*(gate.guard.bearer(token) for _ in range(1000)))
    assert {principal.subject for principal in found if principal} == {ACCOUNT}
    assert sorted(gate.identities.reads) == ["account", "signing"]


async def test_the_use_of_a_key_is_told_once_an_hour(gate: Gate) -> None:
    gate.identities.add("analyst")
    key = gate.identities.add_key(ASSETS_READ)
    for _ in range(3):
        assert (await gate.get("/assets", key))[0] == 200
    assert [(account, key_id) for account, key_id, _ in gate.used] == [(ACCOUNT, KEY_ID)]
    assert gate.used[0][2] % 3_600_000 == 0


async def test_owned_routes_let_owners_in_to_what_is_theirs(gate: Gate) -> None:
    gate.identities.add("creator")
    token = gate.identities.token()
    assert await gate.delete(f"/thing?owner={ACCOUNT}", token) == 204
    assert await gate.delete(f"/thing?owner={'b' * 32}", token) == 403
    assert await gate.delete("/thing", token) == 403
    assert await gate.delete("/strict", token) == 403
    assert await gate.delete("/forgotten", token) == 500
    key = gate.identities.add_key("assets:read")  # its scopes leave the right to delete out
    assert await gate.delete(f"/thing?owner={ACCOUNT}", key) == 403


async def test_who_may_delete_everything_needs_to_own_nothing(gate: Gate) -> None:
    gate.identities.add("moderator")
    token = gate.identities.token()
    assert await gate.delete(f"/thing?owner={'b' * 32}", token) == 204
    assert await gate.delete("/forgotten", token) == 204
    gate.identities.add("analyst")
    gate.clock.now_s += 1
    assert await gate.delete(f"/thing?owner={ACCOUNT}", token) == 403
