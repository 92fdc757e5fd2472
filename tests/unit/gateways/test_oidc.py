"""Tokens of other issuers, with a local issuer that publishes its keys over HTTP."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from gateways.core.jwts import TokenRefused, peek
from gateways.core.oidc import (
    MAX_JWKS_BYTES,
    REFETCH_S,
    ForeignTokens,
    PublishedKeys,
    fetch,
    foreign_principal,
    roles_in,
)
from gateways.core.principal import Principal
from gateways.core.problem import Problem
from schemas.identity.roles import ROLES
from streams.core.gate_settings import OidcIssuer
from tests.unit.gateways.identities import ec_key, public_jwk

AUDIENCE = "kinolog-web"


class Issuer:
    """An identity provider on this machine: publishes keys, signs tokens, can be away or odd."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"one": ec_key()}
        self.asked = 0
        self.answer: web.StreamResponse | None = None
        self.url = ""

    async def serve_keys(self, _: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.answer is not None:
            return self.answer
        return web.json_response({"keys": [self.jwk(kid) for kid in self.keys]})

    def jwk(self, kid: str) -> dict[str, Any]:
        key = self.keys[kid]
        if isinstance(key, rsa.RSAPrivateKey):
            return {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}
        return public_jwk(key, kid)

    def token(self, kid: str = "one", alg: str = "ES256", **more: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": AUDIENCE, "sub": "somebody", "iat": now, "exp": now + 300,
            "realm_access": {"roles": ["staff", "unknown"]}, **more,
        }  # fmt: skip
        return jwt.encode(claims, self.keys[kid], algorithm=alg, headers={"kid": kid})


class Reader:
    """The reader of that issuer's tokens, under a clock of its own."""

    def __init__(self, issuer: Issuer) -> None:
        self.now_s = 1000.0
        self.settings = OidcIssuer(
            issuer=issuer.url, audience=AUDIENCE, jwks_uri=f"{issuer.url}/keys",
            algorithms=("ES256", "RS256"), roles_claim="realm_access.roles",
            roles={"staff": "creator", "boss": "admin"},
        )  # fmt: skip
        self.tokens = ForeignTokens(self.settings, PublishedKeys(self.settings, clock=lambda: self.now_s))

    async def read(self, token: str) -> Any:
        return await self.tokens.of_token(token, peek(token))


@pytest.fixture
async def issuer() -> Any:
    issuer = Issuer()
    app = web.Application()
    app.router.add_get("/keys", issuer.serve_keys)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("")).rstrip("/")
        yield issuer


@pytest.fixture
def reader(issuer: Issuer) -> Reader:
    return Reader(issuer)


async def test_a_token_lets_in_with_the_roles_that_the_table_makes_of_its_own(
    issuer: Issuer, reader: Reader
) -> None:
    issuer.keys["rsa"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for token in (issuer.token(), issuer.token("rsa", "RS256")):
        found = await reader.read(token)
        assert found.subject == f"{issuer.url}#somebody"
        assert found.roles == ("creator",)
        assert found.permissions == ROLES["creator"]
        assert (found.via, found.account_id, found.counted_as) == ("token", None, found.subject)
    assert issuer.asked == 1


async def test_an_algorithm_that_is_not_configured_is_refused(issuer: Issuer, reader: Reader) -> None:
    issuer.keys["rsa"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(TokenRefused, match="not configured"):
        await reader.read(issuer.token("rsa", "PS256"))
    assert issuer.asked == 0


async def test_a_new_key_is_found_and_made_up_names_cost_little(issuer: Issuer, reader: Reader) -> None:
    await reader.read(issuer.token())
    issuer.keys["two"] = ec_key()
    reader.now_s += REFETCH_S
    await reader.read(issuer.token("two"))
    assert issuer.asked == 2
    for number in range(20):
        issuer.keys[f"made up {number}"] = ec_key()
        with pytest.raises(TokenRefused, match="does not publish"):
            await reader.read(issuer.token(f"made up {number}"))
    assert issuer.asked == 2


async def test_a_key_that_is_published_no_more_is_refused_after_a_while(
    issuer: Issuer, reader: Reader
) -> None:
    token = issuer.token()
    await reader.read(token)
    issuer.keys = {"two": ec_key()}
    reader.now_s += 601
    with pytest.raises(TokenRefused):
        await reader.read(token)


async def test_an_issuer_that_is_away_locks_nobody_out_that_it_let_in(issuer: Issuer, reader: Reader) -> None:
    issuer.answer = web.Response(status=500)
    with pytest.raises(Problem) as caught:
        await reader.read(issuer.token())
    assert caught.value.kind.status == 503
    issuer.answer = None
    reader.now_s += REFETCH_S
    await reader.read(issuer.token())
    issuer.answer = web.Response(status=500)
    reader.now_s += 10_000
    await reader.read(issuer.token())


async def test_odd_answers_are_no_keys(issuer: Issuer) -> None:
    for answer in (
        web.Response(status=302, headers={"Location": f"{issuer.url}/elsewhere"}),
        web.Response(body=b"x" * (MAX_JWKS_BYTES + 1)),
        web.Response(body=b"{}"),
        web.Response(body=b"[1]"),
        web.Response(body=b"no JSON"),
    ):
        issuer.answer = answer
        with pytest.raises(Problem):
            await Reader(issuer).read(issuer.token())
    good = issuer.jwk("one")
    for odd in (5, {}, {**good, "kid": 5}, {**good, "x": "!"}, {"kty": "oct", "k": "AA", "kid": "one"}):
        issuer.answer = web.json_response({"keys": [odd]})
        with pytest.raises(TokenRefused):
            await Reader(issuer).read(issuer.token())
    issuer.answer = web.json_response({"keys": [{"kty": "?"}, good]})  # odd ones do not hide good ones
    await Reader(issuer).read(issuer.token())


async def test_fetching_follows_nothing_elsewhere(issuer: Issuer) -> None:
    issuer.answer = web.Response(status=302, headers={"Location": f"{issuer.url}/keys"})
    with pytest.raises(OSError, match="answered 302"):
        await fetch(f"{issuer.url}/keys")
    assert issuer.asked == 1


def test_roles_are_found_where_the_settings_say() -> None:
    claims = {"roles": ["a", 5], "scope": "b c", "realm": {"roles": ["d"]}, "https://x.example/r": ["e"]}
    for path, found in (
        ("roles", ["a"]),
        ("scope", ["b", "c"]),
        ("realm.roles", ["d"]),
        ("https://x.example/r", ["e"]),
        ("nothing", []),
        ("roles.deeper", []),
        ("scope.deeper", []),
    ):
        assert roles_in(claims, path) == found


def test_events_name_people_of_other_issuers_by_a_hash() -> None:
    claims = {"iss": "https://issuer.example", "sub": "ada@people.example", "exp": 2_000_000_000}
    foreign = foreign_principal(claims, [], {})
    assert re.fullmatch("[0-9a-f]{32}", foreign.actor)
    assert Principal("administrator", frozenset(), "key").actor == "administrator"
    assert Principal("a" * 32, frozenset(), "key", account_id="a" * 32).actor == "a" * 32
