"""API keys and signing keys on the real stack, and tokens that somebody made up."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.integration.identity.conftest import PATIENCE_S, Api, Person


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def made(api: Api, person: Person, *scopes: str, **more: Any) -> dict[str, Any]:
    body = {"name": "a program", "scopes": list(scopes or ("account:self",)), **more}
    return await api.ask("POST", "/v1/api-keys", 201, body, person.bearer)  # type: ignore[no-any-return]


async def test_a_key_is_shown_once_works_and_is_revoked(api: Api) -> None:
    person = await api.person("creator")
    key = await made(api, person)
    assert key["api_key"].startswith(f"kino_{key['id']}_")
    me = await api.ask("GET", "/v1/me", 200, headers=bearer(key["api_key"]))
    assert (me["id"], me["permissions"]) == (person.account_id, ["account:self"])
    [listed] = (await api.ask("GET", "/v1/api-keys", 200, headers=person.bearer))["items"]
    assert (listed["id"], listed["name"], "api_key" in listed) == (key["id"], "a program", False)
    await api.ask("DELETE", f"/v1/api-keys/{key['id']}", 204, headers=person.bearer)
    await api.refused(bearer(key["api_key"]))
    await api.ask("DELETE", f"/v1/api-keys/{key['id']}", 404, headers=person.bearer)


async def test_the_last_use_of_a_key_is_seen(api: Api) -> None:
    person = await api.person()
    key = await made(api, person)
    assert key["last_used_at_ms"] is None
    await api.ask("GET", "/v1/me", 200, headers=bearer(key["api_key"]))
    async with asyncio.timeout(PATIENCE_S):
        while True:
            [listed] = (await api.ask("GET", "/v1/api-keys", 200, headers=person.bearer))["items"]
            if listed["last_used_at_ms"] is not None:
                break
            await asyncio.sleep(0.05)


async def test_a_key_gets_no_more_than_its_maker_has_and_makes_no_others(api: Api) -> None:
    person = await api.person("viewer")
    for scopes, status in ((["users:write"], 403), (["nonsense"], 422), ([], 422)):
        body = {"name": "x", "scopes": scopes}
        await api.ask("POST", "/v1/api-keys", status, body, person.bearer)
    key = await made(api, person)
    body = {"name": "x", "scopes": ["account:self"]}
    await api.ask("POST", "/v1/api-keys", 403, body, bearer(key["api_key"]))
    await api.ask("DELETE", "/v1/me", 403, headers=bearer(key["api_key"]))
    expired = {"name": "x", "scopes": ["account:self"], "expires_at_ms": 1}
    await api.ask("POST", "/v1/api-keys", 422, expired, person.bearer)


async def test_a_rotated_key_works_beside_the_new_one_until_its_overlap_ends(api: Api) -> None:
    person = await api.person()
    old = await made(api, person)
    path = f"/v1/api-keys/{old['id']}/rotate"
    new = await api.ask("POST", path, 201, {"overlap_s": 600}, bearer(old["api_key"]))
    assert (new["name"], new["scopes"]) == (old["name"], old["scopes"])
    for key in (old, new):
        await api.ask("GET", "/v1/me", 200, headers=bearer(key["api_key"]))
    await api.ask("POST", path, 409, {}, person.bearer)
    newest = await api.ask("POST", f"/v1/api-keys/{new['id']}/rotate", 201, {"overlap_s": 0}, person.bearer)
    await api.refused(bearer(new["api_key"]))
    listed = (await api.ask("GET", "/v1/api-keys", 200, headers=person.bearer))["items"]
    assert {key["id"] for key in listed} == {old["id"], newest["id"]}


async def test_a_retry_of_a_lost_answer_gives_a_key_that_works_and_no_second_one(api: Api) -> None:
    person = await api.person()
    headers = {**person.bearer, "Idempotency-Key": uuid.uuid4().hex}
    body = {"name": "x", "scopes": ["account:self"]}
    first = await api.ask("POST", "/v1/api-keys", 201, body, headers)
    second = await api.ask("POST", "/v1/api-keys", 201, body, headers)
    assert first["id"] == second["id"]
    await api.ask("GET", "/v1/me", 200, headers=bearer(second["api_key"]))
    assert len((await api.ask("GET", "/v1/api-keys", 200, headers=person.bearer))["items"]) == 1


async def test_a_key_ends_with_its_account(api: Api) -> None:
    person = await api.person()
    key = await made(api, person)
    await api.ask("PATCH", f"/v1/users/{person.account_id}", 200, {"disabled": True})
    await api.refused(bearer(key["api_key"]))
    await api.ask("PATCH", f"/v1/users/{person.account_id}", 200, {"disabled": False})
    await api.refused(person.bearer)
    me = await api.eventually("/v1/me", 200, bearer(key["api_key"]))
    assert me["state"] == "active"


async def test_nobody_sees_or_ends_what_is_others(api: Api) -> None:
    mine, other = await api.person("admin"), await api.person()
    key = await made(api, other)
    await api.ask("DELETE", f"/v1/api-keys/{key['id']}", 404, headers=mine.bearer)
    await api.ask("POST", f"/v1/api-keys/{key['id']}/rotate", 404, {}, mine.bearer)
    await api.ask("DELETE", f"/v1/sessions/{other.tokens['sid']}", 404, headers=mine.bearer)
    for path in ("/v1/users", f"/v1/users/{mine.account_id}", "/v1/audit"):
        await api.ask("GET", path, 403, headers=other.bearer)
    await api.ask("GET", "/v1/me", 200, headers=bearer(key["api_key"]))


async def test_signing_keys_are_published_before_they_sign_and_the_old_ones_verify_on(api: Api) -> None:
    person = await api.person()
    kid = jwt.get_unverified_header(person.tokens["access_token"])["kid"]
    new = await api.ask("POST", "/v1/signing-keys", 201, {"reason": "yearly"})
    assert new["signs_from_ms"] > time.time() * 1000
    published = await api.ask("GET", "/.well-known/jwks.json", 200, headers={})
    assert {kid, new["kid"]} <= {key["kid"] for key in published["keys"]}
    assert all(set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"} for key in published["keys"])
    await api.ask("GET", "/v1/me", 200, headers=person.bearer)
    assert jwt.get_unverified_header((await api.sign_in(person)).tokens["access_token"])["kid"] == kid


def _b64(data: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "attack",
    [
        "none", "None", "hs256-public-key", "kid-path", "kid-of-another", "jku", "jwk", "expired", "audience",
        "issuer", "no-exp", "no-typ", "foreign-key", "other-account", "stripped", "doubled",
    ],
)  # fmt: skip
async def test_a_token_that_somebody_made_up_lets_nobody_in(api: Api, attack: str) -> None:
    person, victim = await api.person(), await api.person("admin")
    token = person.tokens["access_token"]
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    own = ec.generate_private_key(ec.SECP256R1())
    published = await api.ask("GET", "/.well-known/jwks.json", 200, headers={})
    forged = _forged(attack, token, header, claims, own, published, victim.account_id)
    await api.ask("GET", "/v1/me", 401, headers=bearer(forged))
    await api.ask("GET", "/v1/me", 401, headers={"Cookie": f"kinolog_session={forged}"})
    await api.ask("GET", "/v1/me", 200, headers=person.bearer)


def _forged(
    attack: str, token: str, header: dict[str, Any], claims: dict[str, Any], own: Any, published: Any,
    victim: str,
) -> str:  # fmt: skip
    head, body, signature = token.split(".")
    extra = {name: value for name, value in header.items() if name != "alg"}
    match attack:
        case "none" | "None":
            return f"{_b64({**header, 'alg': attack})}.{body}."
        case "hs256-public-key":
            signed = f"{_b64({**header, 'alg': 'HS256'})}.{body}"
            pem = ECAlgorithm.from_jwk(published["keys"][0]).public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            mac = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
            return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
        case "kid-path":
            return jwt.encode(claims, own, algorithm="ES256", headers={**extra, "kid": "../../dev/null"})
        case "kid-of-another":
            return jwt.encode(claims, own, algorithm="ES256", headers={**extra, "kid": "0" * 16})
        case "jku":
            more = {"jku": "http://127.0.0.1:1/jwks.json", "x5u": "http://127.0.0.1:1/cert"}
            return jwt.encode(claims, own, algorithm="ES256", headers={**extra, **more})
        case "jwk":
            jwk = ECAlgorithm.to_jwk(own.public_key(), as_dict=True)
            return jwt.encode(claims, own, algorithm="ES256", headers={**extra, "jwk": jwk})
        case "foreign-key":
            return jwt.encode(claims, own, algorithm="ES256", headers=extra)
        case "stripped":
            return f"{head}.{body}."
        case "doubled":
            return f"{head}.{body}.{signature}.{signature}"
        case "other-account":
            return f"{head}.{_b64({**claims, 'sub': victim})}.{signature}"
    changes: dict[str, Any] = {
        "expired": {"exp": 1},
        "audience": {"aud": "license"},
        "issuer": {"iss": "https://evil.example"},
        "no-exp": {},
        "no-typ": {},
    }[attack]
    changed = {**claims, **changes}
    if attack == "no-exp":
        del changed["exp"]
    if attack == "no-typ":
        extra = {**extra, "typ": "JWT"}
    return jwt.encode(changed, own, algorithm="ES256", headers=extra)
