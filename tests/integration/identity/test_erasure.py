"""Erasing a person, and what the platform keeps of secrets and personal text: nothing that can be read."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.log_reader import LogReader
from schemas.catalog import topology
from schemas.wire import codec
from streams.core.clients import redis_client
from streams.core.sealing import Sealer
from streams.core.vault import API_KEY, LOGIN_SESSION, SUBJECT_KEY, open_vault
from streams.core.vault import PASSWORD as PASSWORD_KIND
from tests.integration.identity.conftest import PASSWORD, PATIENCE_S, Api, Person, passwords
from tests.support.leaks import Search, of_clickhouse, of_files, of_log, of_redis
from tests.support.verified import differing

VIEWS = ("identity.accounts", "identity.addresses", "identity.signing")


async def erased(api: Api, account_id: str) -> None:
    """Returns once an account's erasure is through: its document is gone and its address free."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with api.http.get(f"/v1/users/{account_id}", headers=api.admin) as answer:
                if answer.status == 404:
                    return
            await asyncio.sleep(0.05)


async def test_who_is_erased_is_forgotten_and_their_address_is_free(api: Api) -> None:
    person = await api.person(name="Alan of the erasure")
    body = {"name": "a key to be erased", "scopes": ["account:self"]}
    key = await api.ask("POST", "/v1/api-keys", 201, body, person.bearer)
    files = api.stack.home.data("vault")
    assert _named(files, person.account_id)
    vault = open_vault(api.stack.settings)
    [password_id] = await passwords(vault, person)
    await api.ask("DELETE", f"/v1/users/{person.account_id}?reason=asked+for+it", 202)
    await api.refused(person.bearer)
    await api.refused({"Authorization": f"Bearer {key['api_key']}"})
    await erased(api, person.account_id)
    assert _named(files, person.account_id) == []
    try:
        said = list(_sealed_on_the_log(api, person.account_id))
        assert {field for field, _ in said} == {"email", "display_name", "agent", "key_name", "reason"}
        sealer = Sealer(vault)
        assert {await sealer.open(person.account_id, field, raw) for field, raw in said} == {None}
        places = [(SUBJECT_KEY, person.account_id), (PASSWORD_KIND, password_id), (API_KEY, key["id"])]
        places.append((LOGIN_SESSION, person.tokens["sid"]))
        assert [await vault.get(kind, entry) for kind, entry in places] == [None] * 4
    finally:
        await vault.aclose()
    sign_in = {"email": person.email, "password": PASSWORD}
    await api.ask("POST", "/v1/sessions", 401, sign_in, {})
    refresh = {"refresh_token": person.tokens["refresh_token"]}
    await api.ask("POST", "/v1/sessions/refresh", 401, refresh, {})
    async with asyncio.timeout(PATIENCE_S):
        while True:  # the address's own decider frees it
            wish = {"email": person.email, "roles": ["viewer"]}
            async with api.http.post("/v1/invitations", json=wish, headers=api.admin) as answer:
                if answer.status == 201:
                    assert (await answer.json())["account_id"] != person.account_id
                    break
            await asyncio.sleep(0.05)


def _sealed_on_the_log(api: Api, account_id: str) -> Iterator[tuple[str, bytes]]:
    """(field, sealed bytes) of everything personal that any event about the account holds."""
    topics = [name for name in topology().topics if name.startswith("identity.")]
    with LogReader(api.stack.settings) as reader:
        places = [(topic, p) for topic in topics for p in range(reader.partitions(topic))]
        for message in reader.messages(reader.spans(places)):
            _, data = codec().decode(message.value())
            for key, value in data.items() if data.get("account_id") == account_id else ():
                if key.endswith("_sealed") and value is not None:
                    field = "key_name" if key == "name_sealed" else key.removesuffix("_sealed")
                    yield field, base64.b64decode(value)


def _named(folder: Path, text: str) -> list[str]:
    """Files below the folder in which the text stands."""
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


async def test_people_erase_themselves(api: Api) -> None:
    person = await api.person()
    await api.ask("DELETE", "/v1/me", 202, headers=person.bearer)
    await erased(api, person.account_id)


async def test_an_old_request_does_not_bring_the_erased_back(api: Api) -> None:
    wish = {"email": f"{uuid.uuid4().hex}@people.example", "roles": [], "password": PASSWORD}
    once = {**api.admin, "Idempotency-Key": uuid.uuid4().hex}
    user = await api.ask("POST", "/v1/users", 201, wish, once)
    assert await api.ask("POST", "/v1/users", 201, wish, once) == user
    await api.ask("DELETE", f"/v1/users/{user['id']}", 202)
    await erased(api, user["id"])
    await api.ask("POST", "/v1/users", 422, wish, once)
    vault = open_vault(api.stack.settings)
    try:
        assert await vault.get(SUBJECT_KEY, user["id"]) is None
    finally:
        await vault.aclose()


async def test_views_and_deciders_are_what_the_log_gives_after_erasures(api: Api) -> None:
    person = await api.person()
    await api.ask("DELETE", "/v1/me", 202, headers=person.bearer)
    await erased(api, person.account_id)
    assert (
        await differing(
            api.stack.settings, (*VIEWS, "identity.account", "identity.address", "identity.signer")
        )
        == []
    )


async def test_no_secret_and_no_personal_text_stands_anywhere(api: Api) -> None:
    mark = uuid.uuid4().hex[:12]
    planted = await _planted(api, mark)
    known = {planted.pop("id"): "the account's id"}
    async with asyncio.timeout(PATIENCE_S):
        while not _found([piece async for piece in of_clickhouse(api.stack)], known):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.1)
    secret = {text: name for name, text in planted.items()}
    topics = [name for name in topology().topics if name.startswith(("identity.", "engine."))]
    settings = api.stack.settings
    pieces = {
        "log": list(of_log(api.stack, topics)),
        "redis": [piece async for piece in of_redis(redis_client(settings))],
        "vault": [piece async for piece in of_redis(open_vault(settings).redis)],
        "clickhouse": [piece async for piece in of_clickhouse(api.stack)],
    }
    # What is no secret is found: the scans look where things are.
    assert [place for place, there in pieces.items() if not _found(there, known)] == []
    pieces["logs"] = list(of_files(api.stack.home.logs))
    assert {place: _found(there, secret) for place, there in pieces.items()} == {
        place: [] for place in pieces
    }


def _found(pieces: list[tuple[str, bytes]], wanted: dict[str, str]) -> list[str]:
    return list(Search(wanted).all_hits(pieces))


async def _planted(api: Api, mark: str) -> dict[str, str]:
    """Name -> a text that was given to, or by, the service in every way there is."""
    email, name, password = f"ada.{mark}@people.example", f"Ada Planted {mark}", f"words of {mark} here"
    wish = {"email": email, "roles": ["viewer"], "display_name": name, "reason": f"because {mark}"}
    link = await api.ask("POST", "/v1/invitations", 201, wish)
    agent = f"Agent/{mark}"
    headers = {"User-Agent": agent}
    body: dict[str, Any] = {"token": link["token"], "password": password}
    await api.ask("POST", "/v1/one-time-links/redeem", 201, body, headers)
    wrong = f"wrong words of {mark}"
    await api.ask("POST", "/v1/sessions", 401, {"email": email, "password": wrong}, headers)
    tokens = await api.ask("POST", "/v1/sessions", 201, {"email": email, "password": password}, headers)
    person = Person(link["account_id"], email, password, tokens)
    key_body = {"name": f"key of {mark}", "scopes": ["account:self"]}
    key = await api.ask("POST", "/v1/api-keys", 201, key_body, person.bearer)
    await api.ask("GET", "/v1/me", 200, headers={"Authorization": f"Bearer {key['api_key']}"})
    renewed = await api.ask(
        "POST", "/v1/sessions/refresh", 200, {"refresh_token": tokens["refresh_token"]}, headers
    )
    mistyped = {"email": email, "password": password, "pasword": f"mistyped {mark}"}
    await api.ask("POST", "/v1/sessions", 422, mistyped, headers)
    reset = await api.ask(
        "POST", f"/v1/users/{person.account_id}/reset-link", 201, {"reason": f"lost by {mark}"}
    )
    return {
        "id": person.account_id,
        "marked text": mark,
        "e-mail in capitals": email.upper(),
        "link": link["token"][-43:],
        "reset link": reset["token"][-43:],
        "access token": tokens["access_token"].rpartition(".")[2],
        "refresh token": tokens["refresh_token"][-43:],
        "second access token": renewed["access_token"].rpartition(".")[2],
        "second refresh token": renewed["refresh_token"][-43:],
        "api key": key["api_key"][-43:],
        "administrator's key": api.stack.credentials["admin_api_key"],
    }
