"""What administrators do, who may not, and what the audit says of it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import aiohttp

from tests.integration.identity.conftest import PASSWORD, PATIENCE_S, Api, Person
from tests.integration.identity.test_erasure import erased


async def audited(api: Api, account_id: str, *acts: str) -> list[dict[str, Any]]:
    """The audit's entries about an account, newest first, once there are as many and none is open."""
    path = f"/v1/audit?account_id={account_id}"
    async with asyncio.timeout(PATIENCE_S):
        while True:
            items: list[dict[str, Any]] = (await api.ask("GET", path, 200))["items"]
            if len(items) >= len(acts) and all(item["result"] != "open" for item in items):
                assert [item["act"] for item in items] == list(acts)
                return items
            await asyncio.sleep(0.1)


async def test_an_account_with_a_password_is_found_changed_and_found_again(api: Api) -> None:
    await api.person()  # so that a page of one has a following one
    email = f"{uuid.uuid4().hex}@people.example"
    body = {"email": email.upper(), "password": PASSWORD, "roles": ["analyst"], "display_name": "Grace"}
    user = await api.ask("POST", "/v1/users", 201, body)
    assert (user["email"], user["state"], user["display_name"]) == (email, "active", "Grace")
    await api.ask("POST", "/v1/users", 409, body)
    person = await api.sign_in(Person(user["id"], email))
    assert person.tokens["roles"] == ["analyst"]
    listed = await api.ask("GET", "/v1/users?limit=1", 200)
    assert listed["items"][0]["id"] == user["id"]
    assert listed["next_cursor"]
    following = await api.ask("GET", f"/v1/users?limit=1&cursor={listed['next_cursor']}", 200)
    assert user["id"] not in {item["id"] for item in following["items"]}
    change = {"roles": ["creator", "viewer"], "reason": "makes films now"}
    changed = await api.ask("PATCH", f"/v1/users/{user['id']}", 200, change)
    assert changed["roles"] == ["creator", "viewer"]
    await api.ask("PATCH", f"/v1/users/{user['id']}", 409, change)
    entries = await audited(api, user["id"], "account.change", "account.change", "account.open")
    told = [(e["actor"], e["result"], e["code"], e["reason"]) for e in entries]
    assert told == [
        ("administrator", "refused", "nothing_to_change", "makes films now"),
        ("administrator", "done", None, "makes films now"),
        ("administrator", "done", None, None),
    ]
    assert entries[1]["roles"] == ["creator", "viewer"]
    # Whoever may read the log of films reads nothing about people there.
    for entry in entries:
        url = f"{api.stack.url('streaming')}/v1/log/{entry['id']}"
        async with aiohttp.ClientSession() as http, http.get(url, headers=api.admin) as answer:
            assert answer.status == 404


async def test_nobody_gives_or_takes_more_than_they_have(api: Api) -> None:
    admin = await api.person("admin")
    theirs = ["assets:read", "chat:write", "chat:moderate"]  # what viewers have of their own
    body = {"name": "x", "scopes": ["users:write", "users:read", *theirs]}
    key = await api.ask("POST", "/v1/api-keys", 201, body, admin.bearer)
    narrow = {"Authorization": f"Bearer {key['api_key']}"}
    other = await api.person("admin")
    wish = {"email": f"{uuid.uuid4().hex}@people.example", "roles": ["admin"]}
    await api.ask("POST", "/v1/invitations", 403, wish, narrow)
    await api.ask("POST", "/v1/invitations", 201, {**wish, "roles": ["viewer"]}, narrow)
    for method, path, body in (
        ("POST", "reset-link", {}),
        ("PATCH", "", {"disabled": True}),
        ("DELETE", "", None),
    ):
        target = f"/v1/users/{other.account_id}/{path}".rstrip("/")
        await api.ask(method, target, 403, body, narrow)
    await api.ask("PATCH", f"/v1/users/{admin.account_id}", 403, {"roles": ["operator"]}, narrow)
    operator = await api.person("operator")
    await api.ask("GET", f"/v1/users/{other.account_id}", 200, headers=operator.bearer)
    await api.ask("PATCH", f"/v1/users/{other.account_id}", 403, {"roles": []}, operator.bearer)


async def test_what_is_not_there_or_not_right(api: Api) -> None:
    nobody = "f" * 32
    await api.ask("GET", f"/v1/users/{nobody}", 404)
    await api.ask("PATCH", f"/v1/users/{nobody}", 404, {"disabled": True})
    await api.ask("DELETE", f"/v1/users/{nobody}", 404)
    await api.ask("POST", f"/v1/users/{nobody}/reset-link", 404, {})
    wish = {"email": "x@people.example", "roles": ["emperor"]}
    await api.ask("POST", "/v1/invitations", 422, wish)
    await api.ask("POST", "/v1/invitations", 422, {"email": "nonsense", "roles": []})
    await api.ask("GET", "/v1/users?cursor=nonsense", 422)
    await api.ask("GET", "/v1/audit?cursor=nonsense", 422)
    await api.ask("GET", "/v1/me", 403)  # the administrator's key has no account


async def test_the_audit_calls_people_by_name_for_those_who_may_see_accounts(api: Api) -> None:
    boss, gone = await api.person("admin", name="Ada"), await api.person(name="Joan")
    for person in (boss, gone):
        change = {"roles": ["viewer", "admin"], "reason": None}
        await api.ask("PATCH", f"/v1/users/{person.account_id}", 200, change)
    await api.ask("DELETE", f"/v1/users/{gone.account_id}", 202)
    await erased(api, gone.account_id)
    body = {"name": "audit alone", "scopes": ["audit:read"]}
    key = await api.ask("POST", "/v1/api-keys", 201, body, (await api.sign_in(boss)).bearer)
    for person, names in ((boss, {boss.account_id: "Ada"}), (gone, {})):
        path = f"/v1/audit?account_id={person.account_id}"
        await audited(
            api, person.account_id, *["account.erase"][: person is gone], "account.change", "account.open"
        )
        assert (await api.ask("GET", path, 200))["names"] == names
        bearer = {"Authorization": f"Bearer {key['api_key']}"}
        assert (await api.ask("GET", path, 200, headers=bearer))["names"] == {}
