"""Films of people: what others do to them stands in the audit, and none is left behind by who is erased."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from streams.core.producer import EventProducer
from tests.integration.identity.conftest import PATIENCE_S, Api, Person
from tests.integration.identity.test_erasure import erased
from tests.support.verified import differing

WHY = "shows somebody who did not agree"
VIEWS = ("media.library", "media.asset", "media.owner", "media.departure")


class Films:
    """The streaming service; without other headers as its administrator."""

    def __init__(self, api: Api, http: aiohttp.ClientSession) -> None:
        self.api, self.http = api, http

    async def ask(self, method: str, path: str, status: int, who: Person | None = None, **more: Any) -> Any:
        headers = self.api.admin if who is None else who.bearer
        async with self.http.request(method, path, headers=headers, **more) as answer:
            text = await answer.text()
            assert answer.status == status, f"{method} {path}: {answer.status} {text}"
            return await answer.json()

    async def upload(self, who: Person, data: Any = b"no film, but an upload") -> str:
        """The id of an asset that the person owns."""
        query = {"title": f"Film {uuid.uuid4().hex}", "visibility": "public"}
        return str((await self.ask("POST", "/v1/assets", 202, who, params=query, data=data))["id"])

    async def owned(self, who: Person | None, asset_id: str) -> bool:
        async with self.http.get(f"/v1/assets/{asset_id}", headers=self.api.admin) as answer:
            owner_id = who.account_id if who is not None else None
            return answer.status == 200 and (await answer.json())["owner_id"] == owner_id

    async def gone(self, asset_id: str) -> bool:
        async with self.http.get(f"/v1/assets/{asset_id}", headers=self.api.admin) as answer:
            return answer.status == 410

    async def audit(self, account_id: str, act: str, count: int) -> list[dict[str, Any]]:
        """The audit's entries of one kind about an account or its films, once there are so many, decided."""
        path = f"/v1/audit?account_id={account_id}&act={act}&limit=200"
        async with asyncio.timeout(PATIENCE_S):
            while True:
                items: list[dict[str, Any]] = (await self.api.ask("GET", path, 200))["items"]
                if len(items) >= count and all(item["result"] != "open" for item in items):
                    assert len(items) == count
                    return items
                await asyncio.sleep(0.1)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Returns once it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not await look():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)


@pytest.fixture
async def films(api: Api) -> AsyncIterator[Films]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(api.stack.url("streaming"), timeout=timeout) as http:
        yield Films(api, http)


async def test_what_others_than_the_owner_do_to_films_is_in_the_audit(api: Api, films: Films) -> None:
    owner, moderator = await api.person("creator"), await api.person("moderator")
    kept, deleted = await films.upload(owner), await films.upload(owner)
    await films.ask("PATCH", f"/v1/assets/{kept}", 202, owner, json={"title": "Mine", "reason": "my own"})
    hide = {"visibility": "private", "reason": WHY}
    once = {**moderator.bearer, "Idempotency-Key": uuid.uuid4().hex}
    for _ in range(2):  # a retry is the same request
        async with films.http.patch(f"/v1/assets/{kept}", json=hide, headers=once) as answer:
            assert answer.status == 202
    await films.ask("DELETE", f"/v1/assets/{deleted}", 202, moderator, params={"reason": WHY})
    [changed] = await films.audit(owner.account_id, "asset.change", 1)
    assert (changed["actor"], changed["asset_id"], changed["account_id"]) == (
        moderator.account_id, kept, owner.account_id
    )  # fmt: skip
    assert (changed["result"], changed["reason"], changed["visibility"]) == ("done", WHY, "private")
    [removed] = await films.audit(owner.account_id, "asset.delete", 1)
    assert (removed["asset_id"], removed["result"], removed["reason"]) == (deleted, "done", WHY)
    # Two at once: the gateway let both in, the decider only one.
    late = {
        "asset_id": deleted, "actor": moderator.account_id, "owner_id": owner.account_id, "privileged": True
    }  # fmt: skip
    producer = EventProducer(api.stack.settings, "test")
    try:
        await producer.publish("media.asset.requests", deleted, "kinolog.media.DeletionRequested", late)
    finally:
        await producer.close()
    refused = (await films.audit(owner.account_id, "asset.delete", 2))[0]
    assert (refused["result"], refused["code"], refused["reason"]) == ("refused", "asset_deleted", None)


async def test_who_is_erased_leaves_no_film_behind(api: Api, films: Films) -> None:
    owner, other = await api.person("creator"), await api.person("creator")
    theirs, foreign = [await films.upload(owner) for _ in range(3)], await films.upload(other)
    over = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"the first bytes"
        await over.wait()

    title = f"Running {uuid.uuid4().hex}"
    sending = asyncio.create_task(
        films.http.post("/v1/assets", params={"title": title}, data=endless(), headers=owner.bearer)
    )

    async def begun() -> bool:
        page = await films.ask("GET", "/v1/assets", 200, params={"q": title})
        theirs.extend(item["id"] for item in page["items"])
        return bool(page["items"])

    await until(begun)
    await api.ask("DELETE", f"/v1/users/{owner.account_id}?reason=asked+for+it", 202)
    for asset_id in theirs:
        await until(lambda asset_id=asset_id: films.gone(asset_id))  # type: ignore[misc]
    over.set()
    async with await sending as answer:
        assert answer.status >= 400
    await erased(api, owner.account_id)
    assert await films.owned(other, foreign)
    entries = await films.audit(owner.account_id, "asset.delete", len(theirs))
    assert {(e["actor"], e["result"]) for e in entries} == {("administrator", "done")}
    assert {e["asset_id"] for e in entries} == set(theirs)
    [erasure] = await films.audit(owner.account_id, "account.erase", 1)
    assert (erasure["films"], erasure["heir_id"], erasure["reason"]) == ("delete", None, None)


async def test_films_can_be_somebody_else_s_instead(api: Api, films: Films) -> None:
    owner, heir = await api.person("creator"), await api.person("creator")
    theirs = [await films.upload(owner) for _ in range(3)]
    path = f"/v1/users/{owner.account_id}?films=transfer&heir_id="
    for nobody in ("f" * 32, owner.account_id, "nonsense"):
        await api.ask("DELETE", path + nobody, 422)
    await api.ask("DELETE", f"/v1/users/{owner.account_id}?films=transfer", 422)  # whose they become is said
    await api.ask("DELETE", path.replace("transfer", "delete") + heir.account_id, 422)
    await api.ask("DELETE", path + heir.account_id, 202)
    for asset_id in theirs:
        await until(lambda asset_id=asset_id: films.owned(heir, asset_id))  # type: ignore[misc]
    listed = await films.ask("GET", "/v1/assets", 200, heir)
    assert {item["id"] for item in listed["items"]} == set(theirs)
    assert all(item["title"].startswith("Film ") for item in listed["items"])
    await films.ask("PATCH", f"/v1/assets/{theirs[0]}", 202, heir, json={"title": "Mine now"})
    entries = await films.audit(owner.account_id, "asset.transfer", len(theirs))
    assert {(e["result"], e["heir_id"]) for e in entries} == {("done", heir.account_id)}


async def test_who_erases_oneself_leaves_films_to_the_administrator_or_to_nobody(
    api: Api, films: Films
) -> None:
    leaving, deleting = await api.person("creator"), await api.person("creator")
    left, deleted = await films.upload(leaving), await films.upload(deleting)
    await api.ask("DELETE", "/v1/me?films=transfer", 202, headers=leaving.bearer)
    await api.ask("DELETE", "/v1/me", 202, headers=deleting.bearer)
    await until(lambda: films.owned(None, left))
    await until(lambda: films.gone(deleted))
    assert await differing(api.stack.settings, VIEWS) == []
