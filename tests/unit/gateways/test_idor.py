"""Every route of an asset, asked by everybody, for assets of each visibility.

Whoever may not know of an asset gets what they get for one that was never there, to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from gateways.core.auth import COOKIE, Guard
from gateways.core.projections import View
from gateways.core.routes import Route
from gateways.core.sessions import Tokens
from gateways.media.routes import ROUTES
from schemas.keys import partition_of
from schemas.media.visibility import VISIBILITIES
from tests.support.work import Work
from tests.unit.gateways.conftest import BEARER, KEY, Gateway
from tests.unit.gateways.fakes import MemoryHistory, MemoryObjects
from tests.unit.gateways.films import PROFILE, Film
from tests.unit.gateways.identities import MemoryIdentities, guard_of
from tests.unit.gateways.world import PARTITIONS

OWNER, OTHER, VIEWER, ANALYST, MODERATOR = (letter * 32 for letter in "abcde")
ROLES = {OWNER: "creator", OTHER: "creator", VIEWER: "viewer", ANALYST: "analyst", MODERATOR: "moderator"}
NAMES = {OWNER: "owner", OTHER: "other creator", VIEWER: "viewer", ANALYST: "analyst", MODERATOR: "moderator"}
WHO = (*NAMES.values(), "administrator", "anonymous", "its watch link", "another watch link")
ALL_SEEING = frozenset({"owner", "analyst", "moderator", "administrator", "its watch link"})
CHANGING = frozenset({"owner", "moderator", "administrator"})
PARTS = {"rendition": "360p", "profile_hash": PROFILE, "number": "0"}


@pytest.fixture
def identities() -> MemoryIdentities:
    return MemoryIdentities.of(ROLES)


@pytest.fixture
def guard(tokens: Tokens, identities: MemoryIdentities) -> Guard:
    return guard_of(identities, tokens, KEY)


BODIES: dict[str, dict[str, Any]] = {
    "PATCH": {"json": {"title": "Another"}},
    "POST": {"json": {"scheme": "cenc"}},  # of its protection
}
ASKED = {"PATCH": "AssetChangeRequested", "POST": "ProtectionRequested", "DELETE": "DeletionRequested"}


class Cast:
    """Everybody's headers; assets are uploaded by the owner."""

    def __init__(self, gateway: Gateway, identities: MemoryIdentities) -> None:
        self.gateway = gateway
        self.headers: dict[str, dict[str, str]] = {"administrator": BEARER, "anonymous": {}}
        for account_id, name in NAMES.items():
            token = identities.token(sub=account_id)
            self.headers[name] = {"Authorization": f"Bearer {token}"}
        client = gateway.client
        self.origin = {"Origin": f"http://{client.host}:{client.port}"}

    def link(self, asset_id: str) -> dict[str, str]:
        tokens = self.gateway.tokens
        session = tokens.issue_session(tokens.read_code(tokens.issue_code(asset_id=asset_id)))
        return {"Cookie": f"{COOKIE}={session}", **self.origin}

    def of(self, who: str, asset_id: str) -> dict[str, str]:
        links = {"its watch link": asset_id, "another watch link": "another"}
        return self.link(links[who]) if who in links else self.headers[who]

    async def film(self, visibility: str) -> str:
        """A film that is ready."""
        accepted = await self.upload("owner", visibility)
        await Film(self.gateway.world, self.gateway.objects, accepted["id"]).ready()
        return str(accepted["id"])

    async def upload(self, who: str, visibility: str | None = None, title: str = "A film") -> dict[str, Any]:
        query = {"title": title, **({"visibility": visibility} if visibility else {})}
        answer = await self.gateway.client.post(
            "/v1/assets", params=query, data=b"film", headers=self.headers[who]
        )
        assert answer.status == 202, await answer.text()
        accepted: dict[str, Any] = await answer.json()
        return accepted

    async def ask(self, route: Route, asset_id: str, who: str, seen_as: str | None = None) -> tuple[int, Any]:
        """Status and, of a refusal, what it says; `seen_as`: the asset that the watch link is of."""
        path = path_of(route, asset_id)
        body = BODIES.get(route.method, {})
        headers = self.of(who, seen_as or asset_id)
        async with self.gateway.client.request(route.method, path, headers=headers, **body) as answer:
            if answer.status < 400:
                return answer.status, None
            said = await answer.json()
            told = {name: said[name] for name in said if name not in ("trace_id", "instance")}
            return answer.status, (re.sub(asset_id, "<id>", repr(told)), answer.headers.get("Cache-Control"))


@pytest.fixture
def people(gateway: Gateway, identities: MemoryIdentities) -> Cast:
    return Cast(gateway, identities)


def asset_routes(method: str) -> Iterator[Route]:
    for route in ROUTES:
        if route.method == method and "asset_id" in route.parameters and route.path.startswith("/v1/"):
            yield route


def path_of(route: Route, asset_id: str) -> str:
    parts = {**PARTS, "asset_id": asset_id}
    return re.sub(r"{(\w+)}", lambda found: parts[found.group(1)], route.template)


def expected(route: Route, who: str, visibility: str) -> int:
    """What an asset's route answers, by the rules as people would tell them."""
    if who == "anonymous":
        return 200 if route.shared and visibility != "private" else 401
    if who == "another watch link":
        return 200 if route.shared and visibility != "private" else 403
    if route.shared:
        return 200 if who in ALL_SEEING or visibility != "private" else 404
    may, holders = (
        (200, ALL_SEEING) if route.method == "GET" else (202, CHANGING)  # GET: the log
    )
    if who in holders:
        return may
    if who == "other creator":  # holds the permission for what is theirs
        return 404 if visibility == "private" else 403
    return 403


def test_the_table_is_of_every_route_of_an_asset() -> None:
    reading = list(asset_routes("GET"))
    assert len(reading) == 15
    assert {route.template for route in reading if not route.shared} == {
        "/v1/assets/{asset_id}/log", "/v1/assets/{asset_id}/log/stream"
    }  # fmt: skip
    assert all(route.owned for method in ASKED for route in asset_routes(method))
    assert {route.method for route in ROUTES if "asset_id" in route.parameters} == {"GET", *ASKED}


@pytest.mark.parametrize("visibility", VISIBILITIES)
async def test_who_may_read_what(people: Cast, visibility: str) -> None:
    asset_id = await people.film(visibility)
    for route in asset_routes("GET"):
        for who in WHO:
            status, said = await people.ask(route, asset_id, who)
            assert status == expected(route, who, visibility), f"{who}: {route.name} of a {visibility} film"
            if visibility == "private" and status >= 400:
                missing = await people.ask(route, "never-there", who, asset_id)
                assert (status, said) == missing or who == "its watch link", f"{who}: {route.name}"


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """What a request can ask of stores."""
    work = Work(monkeypatch)
    work.watch(View, "get", "get_many", "newest", "fence", about=lambda view, *_: view.projection.name)
    work.watch(MemoryObjects, "get", "stream", "stat")
    work.watch(MemoryHistory, "query")
    return work


async def test_what_is_hidden_takes_the_same_work_as_what_is_not_there(people: Cast, work: Work) -> None:
    """No time tells whether a private film exists: stores are asked the same, call by call."""
    asset_id = await people.film("private")
    refused = set()
    for route in (route for method in ("GET", *ASKED) for route in asset_routes(method)):
        for who in WHO:
            status = expected(route, who, "private")
            if status < 400:
                continue
            work.taken()
            assert (await people.ask(route, asset_id, who))[0] == status
            hidden = work.taken()
            assert (await people.ask(route, "never-there", who, asset_id))[0] == status
            assert hidden == work.taken(), f"{who}: {route.name}"
            refused.add(status)
    assert refused == {401, 403, 404}


async def test_nobody_learns_by_waiting_whether_a_film_is_there(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids of requests can be computed from an asset's: whether an outcome comes at once must not tell.

    Nor by way of a neighbour: of an asset that is not there and shares the partition.
    """
    accepted = await people.upload("owner", "private")
    asset_id, real = accepted["id"], View.await_outcome
    names = (f"never-there-{number}" for number in count())
    neighbour = next(n for n in names if partition_of(n, PARTITIONS) == partition_of(asset_id, PARTITIONS))
    found: list[bool] = []

    async def awaited(view: View, key: str, request_id: str, timeout_s: float) -> Any:
        outcome = await real(view, key, request_id, 0.0)
        found.append(outcome is not None)
        return outcome

    monkeypatch.setattr(View, "await_outcome", awaited)
    for who in WHO:
        waited = {}
        for asked in (asset_id, neighbour):
            found.clear()
            path = f"/v1/assets/{asked}?wait_for={accepted['request_id']}"
            await people.gateway.client.get(path, headers=people.of(who, asset_id))
            waited[asked] = list(found)
        nothing = [] if who == "anonymous" else [False]
        assert waited[neighbour] == nothing, who
        assert waited[asset_id] == ([True] if who in ALL_SEEING else nothing), who


@pytest.mark.parametrize("method", ASKED)
@pytest.mark.parametrize("visibility", VISIBILITIES)
async def test_who_may_change_what(people: Cast, visibility: str, method: str) -> None:
    (route,) = asset_routes(method)
    for who in WHO:
        asset_id = await people.film(visibility)
        status, said = await people.ask(route, asset_id, who)
        assert status == expected(route, who, visibility), f"{who}: {route.name} of a {visibility} film"
        if visibility == "private" and status >= 400:
            assert (status, said) == await people.ask(route, "never-there", who, asset_id)
        said_so = [e for e in people.gateway.world.published if e.key == asset_id]
        made = [e for e in said_so if e.type.endswith(ASKED[method])]
        actors = {"administrator": "administrator", "owner": OWNER, "moderator": MODERATOR}
        assert [e.data["actor"] for e in made] == ([actors[who]] if status < 400 else [])


async def test_a_deleted_film_is_gone_for_those_who_knew_it_and_never_was_for_others(people: Cast) -> None:
    (delete,), get = asset_routes("DELETE"), next(asset_routes("GET"))
    for visibility in VISIBILITIES:
        asset_id = (await people.upload("owner", visibility))["id"]
        await people.ask(delete, asset_id, "owner")
        for who in WHO:
            status, said = await people.ask(get, asset_id, who)
            seen = expected(get, who, visibility)
            assert status == (410 if seen == 200 else seen), f"{who}: a {visibility} film"
            if seen != 200:
                assert (status, said) == await people.ask(get, "never-there", who, asset_id)


async def test_one_event_of_the_log_is_for_those_who_read_its_asset_s_log(people: Cast) -> None:
    asset_id = (await people.upload("owner", "public"))["id"]
    row = {
        "topic": "media.asset.events", "partition": 0, "offset": 0, "key": asset_id, "asset_id": asset_id,
        "id": "event-1", "type": "kinolog.media.AssetCreated", "at_ms": 1, "source": "x",
        "causation_id": None, "trace_id": None, "data": "{}",
    }  # fmt: skip
    people.gateway.history.rows.append(row)
    found = {}
    for who in WHO:
        headers = people.of(who, asset_id)
        answer = await people.gateway.client.get("/v1/log/event-1", headers=headers)
        found[who] = answer.status
        if answer.status == 404:
            unknown = await people.gateway.client.get("/v1/log/event-2", headers=headers)
            assert (await answer.json())["detail"] == (await unknown.json())["detail"]
    assert found == {
        "owner": 200, "analyst": 200, "moderator": 200, "administrator": 200, "its watch link": 200,
        "other creator": 404, "another watch link": 404, "viewer": 403, "anonymous": 401,
    }  # fmt: skip


async def listed(people: Cast, who: str, query: str = "", asset_id: str = "") -> list[str]:
    answer = await people.gateway.client.get(f"/v1/assets{query}", headers=people.of(who, asset_id))
    assert answer.status == 200, await answer.text()
    return [item["title"] for item in (await answer.json())["items"]]


async def test_everybody_lists_what_is_theirs_and_what_is_public(people: Cast) -> None:
    ids = {}
    for who in ("owner", "other creator", "administrator"):
        for visibility in VISIBILITIES:
            title = f"{who} {visibility}"
            ids[title] = (await people.upload(who, visibility, title))["id"]
    everything = list(reversed(ids))
    public = [title for title in everything if title.endswith("public")]
    for who in ("owner", "other creator"):
        assert await listed(people, who) == [title for title in everything if title.startswith(who)]
    for who in ("analyst", "moderator", "administrator"):
        assert await listed(people, who) == everything
    assert await listed(people, "viewer") == []
    for who in ("owner", "other creator", "viewer", "analyst", "moderator", "administrator"):
        assert await listed(people, who, "?visibility=public") == public
    only = ids["owner private"]
    assert await listed(people, "its watch link", "", only) == ["owner private"]
    assert await listed(people, "its watch link", "?visibility=public", only) == ["owner private"]
    assert (await people.gateway.client.get("/v1/assets")).status == 401
    assert (await people.gateway.client.get("/v1/assets?visibility=public")).status == 401
    assert (await people.gateway.get("/v1/assets?visibility=private")).status == 422


async def test_pages_of_one_s_own_hold_every_asset_once(people: Cast) -> None:
    for number in range(9):
        await people.upload("owner", "private", f"mine {number}")
        await people.upload("other creator", "public", f"theirs {number}")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit=4&q=mine{f'&cursor={cursor}' if cursor else ''}"
        answer = await people.gateway.client.get(f"/v1/assets{query}", headers=people.headers["owner"])
        page = await answer.json()
        cursor = page["next_cursor"]
        seen += [item["title"] for item in page["items"]]
    assert seen == [f"mine {number}" for number in reversed(range(9))]
