"""API keys of one's own account: made, listed, rotated with an overlap, revoked.

A key's hash is in the vault before the log speaks of it, and the gate asks for both: a request that never
arrives leaves a hash that opens nothing.
"""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from gateways.core.endpoint import body_of, json_response
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.identity import credentials, present
from gateways.identity.asking import account_or_404, ask, sealed
from gateways.identity.context import Identity, identity_of
from gateways.identity.models import ApiKeys, NewApiKey, NewApiKeyMade, Rotation
from gateways.identity.rights import own_id, own_session
from schemas.identity.roles import GRANTABLE
from streams.core.vault import API_KEY

RETRY_MS = 600_000
"""How long a retry with the same Idempotency-Key gets a key, with a new secret in place of the lost one."""


async def create(request: web.Request) -> web.Response:
    identity, account_id, body = identity_of(request), own_id(request), body_of(request, NewApiKey)
    own_session(request)
    scopes = sorted(set(body.scopes))
    unknown = [scope for scope in scopes if scope not in GRANTABLE]
    if unknown:
        known = ", ".join(sorted(GRANTABLE))
        raise Problem("validation", f"scopes: there is no permission {unknown[0]!r}; choose of {known}.")
    missing = frozenset(scopes) - principal_of(request).permissions
    if missing:
        raise Problem("forbidden", f"You do not hold {', '.join(sorted(missing))} yourself.")
    if body.expires_at_ms is not None and body.expires_at_ms <= identity.now_ms():
        raise Problem("validation", "expires_at_ms: give a time that is to come.")
    wish = {
        "name_sealed": await sealed(identity, account_id, present.KEY_NAME, body.name),
        "scopes": scopes,
        "expires_at_ms": body.expires_at_ms,
        "replaces": None,
        "overlap_ms": None,
    }
    return await _made(identity, account_id, wish, scoped_id(request, "api-key"))


async def rotate(request: web.Request) -> web.Response:
    """A key of the same name, scopes and expiry. A key may rotate itself, and no other one."""
    identity, account_id = identity_of(request), own_id(request)
    key_id, principal = request.match_info["key_id"], principal_of(request)
    if principal.key_id != key_id:
        own_session(request)
    old = (await account_or_404(identity, account_id))["api_keys"].get(key_id)
    if old is None:
        raise _unknown()
    wish = {
        "name_sealed": old["name_sealed"],
        "scopes": old["scopes"],
        "expires_at_ms": old["expires_at_ms"],
        "replaces": key_id,
        "overlap_ms": body_of(request, Rotation).overlap_s * 1000,
    }
    return await _made(identity, account_id, wish, scoped_id(request, f"rotate:{key_id}"))


async def _made(identity: Identity, account_id: str, wish: dict[str, Any], request_id: str) -> web.Response:
    """Vault first, then the log; the answer is the only place where the key is ever shown."""
    key_id = request_id[:16]
    made = credentials.make(credentials.API_KEY, key_id)
    before = await identity.vault.get(API_KEY, key_id)
    if before is not None and orjson.loads(before)["made_at_ms"] + RETRY_MS < identity.now_ms():
        raise Problem("idempotency-key-reused", "This key was made before; send a new Idempotency-Key.")
    made_at_ms = orjson.loads(before)["made_at_ms"] if before is not None else identity.now_ms()
    entry = orjson.dumps({"account_id": account_id, "sha256": made.sha256, "made_at_ms": made_at_ms})
    if not await identity.vault.put(API_KEY, key_id, entry, subject=account_id, if_subject_known=True):
        raise Problem("conflict", "The account is being erased.")
    data = {"key_id": key_id, "prefix": f"{credentials.API_KEY}_{key_id}", **wish}
    try:
        await ask(identity, account_id, "ApiKeyRequested", data, request_id)
    except Problem as problem:
        code = problem.members.get("code")
        if code is not None and code != "api_key_exists":  # decided: it will never work
            await identity.vault.delete(API_KEY, key_id)
        if code != "api_key_exists":
            raise
    document = await account_or_404(identity, account_id)
    found = next((k for k in await present.api_keys(identity, document) if k.id == key_id), None)
    if found is None:
        raise Problem("conflict", "This request was decided before; send a new Idempotency-Key.")
    return json_response(NewApiKeyMade(**found.model_dump(), api_key=made.text), 201)


async def list_keys(request: web.Request) -> web.Response:
    identity = identity_of(request)
    document = await account_or_404(identity, own_id(request))
    return json_response(ApiKeys(items=await present.api_keys(identity, document)))


async def revoke(request: web.Request) -> web.Response:
    """The vault forgets the key first: it opens nothing from then on, whatever becomes of the request."""
    identity, account_id, key_id = identity_of(request), own_id(request), request.match_info["key_id"]
    if principal_of(request).key_id != key_id:
        own_session(request)
    if key_id not in (await account_or_404(identity, account_id))["api_keys"]:
        raise _unknown()
    await identity.vault.delete(API_KEY, key_id)
    try:
        await ask(
            identity, account_id, "ApiKeyRevocationRequested", {"key_id": key_id, "actor": account_id},
            scoped_id(request, f"revoke:{key_id}"),
        )  # fmt: skip
    except Problem as problem:
        if problem.members.get("code") != "api_key_unknown":
            raise
    return web.Response(status=204)


def _unknown() -> Problem:
    return Problem("not-found", "You have no such API key; GET /v1/api-keys lists those you have.")
