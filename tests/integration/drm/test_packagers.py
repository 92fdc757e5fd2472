"""Packagers on the real stack: keys of an account's API key, scoped; none of them found anywhere in clear."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import aiohttp

from tests.integration.identity.conftest import Api, api
from tests.support.planting import BOOK
from tests.support.speke import asking, keys_in

__all__ = ["api"]  # the fixture


async def take(api: Api, headers: Mapping[str, str]) -> tuple[int, dict[str, bytes]]:
    """Status and keys, which are written down: no store and no log may hold one."""
    named = {**headers, "X-Speke-Version": "2.0", "Content-Type": "application/xml"}
    url = f"{api.stack.url('drm')}/v1/speke"
    async with aiohttp.ClientSession() as http, http.post(url, data=asking(), headers=named) as answer:
        text = await answer.text()
    if answer.status != 200:
        return answer.status, {}
    keys = keys_in(ElementTree.fromstring(text))  # noqa: S314 - our own answer
    for key in keys.values():
        BOOK.plant("a content key", key.hex())
        BOOK.plant("a content key", base64.b64encode(key).decode().rstrip("="))
    return answer.status, keys


async def key_of(api: Api, headers: dict[str, str], scope: str) -> dict[str, str]:
    body: dict[str, Any] = {"name": "a packager", "scopes": [scope]}
    made = await api.ask("POST", "/v1/api-keys", 201, body, headers)
    return {"Authorization": f"Bearer {made['api_key']}"}


async def test_a_scoped_key_takes_content_keys_and_nothing_else(api: Api) -> None:
    person = await api.person("admin")
    packager = await key_of(api, person.bearer, "drm:package")
    status, keys = await take(api, packager)
    assert (status, len(set(keys.values()))) == (200, 2)
    assert await take(api, packager) == (200, keys)
    await api.ask("GET", "/v1/me", 403, headers=packager)
    assert await take(api, await key_of(api, person.bearer, "account:self")) == (403, {})
    assert await take(api, {}) == (401, {})


async def test_accounts_have_keys_of_their_own_and_creators_none(api: Api) -> None:
    first, second = [await api.person("admin") for _ in range(2)]
    taken = [await take(api, await key_of(api, each.bearer, "drm:package")) for each in (first, second)]
    assert [status for status, _ in taken] == [200, 200]
    assert set(taken[0][1].values()).isdisjoint(taken[1][1].values())
    creator = await api.person("creator")
    await api.ask("POST", "/v1/api-keys", 403, {"name": "x", "scopes": ["drm:package"]}, creator.bearer)
    assert await take(api, creator.bearer) == (403, {})
