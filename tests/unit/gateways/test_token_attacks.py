"""Tokens that must not let anybody in: each attack against every reader that could fall for it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gateways.core.accounts import ACCESS_TYPE, AccountCredentials
from gateways.core.auth import Guard
from gateways.core.jwts import MAX_TOKEN_CHARS, KeyUnusable, peek, public_key
from gateways.core.oidc import ForeignTokens, PublishedKeys
from gateways.core.principal import Principal
from gateways.core.sessions import Tokens
from gateways.core.shared_secret import SharedSecretTokens
from gateways.core.standing import Standing
from streams.core.gate_settings import OidcIssuer
from tests.unit.gateways.conftest import SECRET
from tests.unit.gateways.identities import ACCOUNT, ISSUER, SID, MemoryIdentities, ec_key, public_jwk

SHARED = "c2hhcmVkIHNlY3JldCBvZiB0aGUgdGVzdHMsIHRoaXJ0eS10d28="
FOREIGN = OidcIssuer(
    issuer="https://login.example", audience="kinolog-web", jwks_uri="https://login.example/keys",
    algorithms=("ES256", "RS256"), roles={"staff": "admin"},
)  # fmt: skip
ATTACKER = ec_key()
PADDING = "x" * MAX_TOKEN_CHARS


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Readers:
    """A guard with every reader there is, and the keys of all of them."""

    identities: MemoryIdentities
    foreign_key: ec.EllipticCurvePrivateKey
    guard: Guard

    def foreign(self, headers: dict[str, Any] | None = None, key: Any = None, **more: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": FOREIGN.issuer, "aud": FOREIGN.audience, "sub": "somebody", "iat": now, "exp": now + 300,
            "roles": ["staff"], **more,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        named = {"kid": "foreign", "typ": "JWT", **(headers or {})}
        return jwt.encode(claims, key or self.foreign_key, algorithm="ES256", headers=named)

    def shared(self, secret: str = SHARED, **more: Any) -> str:
        claims = {**self.identities.claims(roles=["admin"]), **more}
        return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, algorithm="HS256")

    def with_header(self, header: dict[str, Any], key: ec.EllipticCurvePrivateKey | None = None) -> str:
        """A token whose header is exactly this one, signed by our key (or by `key`) as ES256."""
        message = f"{encoded(header)}.{encoded(self.identities.claims())}"
        signature = ECAlgorithm(hashes.SHA256).sign(message.encode(), key or self.identities.keys["first"])
        return f"{message}.{encoded(signature)}"


@pytest.fixture
def readers() -> Readers:
    identities, key = MemoryIdentities(), ec_key()
    identities.add("admin")

    async def published(_: str) -> bytes:
        keys = [
            public_jwk(key, "foreign"),
            {**public_jwk(key, "encrypts"), "use": "enc"},
            {**public_jwk(key, "wraps"), "key_ops": ["wrapKey"]},
            {**public_jwk(key, "other-alg"), "alg": "ES384"},
        ]
        return json.dumps({"keys": keys}).encode()

    guard = Guard(
        admin_key_sha256="",
        tokens=Tokens(SECRET),
        accounts=AccountCredentials(Standing(identities, fresh_s=0), ISSUER),
        foreign=(
            ForeignTokens(FOREIGN, PublishedKeys(FOREIGN, published)),
            SharedSecretTokens(SHARED, ISSUER),
        ),
    )
    return Readers(identities, key, guard)


def unsigned(readers: Readers, alg: str, signature: str = "") -> str:
    header = {"alg": alg, "kid": "first", "typ": ACCESS_TYPE}
    return f"{encoded(header)}.{encoded(readers.identities.claims())}.{signature}"


def confused(readers: Readers, secret: bytes) -> str:
    """HS256 under what everybody knows: the public key."""
    header = {"alg": "HS256", "kid": "first", "typ": ACCESS_TYPE}
    message = f"{encoded(header)}.{encoded(readers.identities.claims())}"
    return f"{message}.{encoded(jwt.algorithms.HMACAlgorithm('sha256').sign(message.encode(), secret))}"


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def forged(readers: Readers, **headers: Any) -> str:
    """Signed by the attacker, who brings the key along."""
    return readers.with_header({"alg": "ES256", "kid": "first", "typ": ACCESS_TYPE, **headers}, ATTACKER)


def good_parts(readers: Readers) -> list[str]:
    return readers.identities.token().split(".")


def der_signature(readers: Readers) -> str:
    head, body, _ = good_parts(readers)
    signed = readers.identities.keys["first"].sign(f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    return f"{head}.{body}.{encoded(signed)}"


def retired(readers: Readers) -> str:
    token = readers.identities.token()
    readers.identities.keys = {"second": ec_key()}
    return token


def replaced(readers: Readers) -> str:
    """The name of a key stays, the key does not."""
    token = readers.identities.token()
    readers.identities.keys["first"] = ec_key()
    return token


NOW = int(time.time())
GOOD_HEADER = {"alg": "ES256", "kid": "first", "typ": ACCESS_TYPE}
KID_INJECTIONS = (
    "", "../../../../dev/null", "first\x00", "first' OR '1'='1", "first;id", "FIRST", " first", "x" * 3000,
    ["first"], {"$ne": ""}, 1, None, True,
)  # fmt: skip
Attack = Callable[[Readers], str]
ATTACKS: dict[str, Attack] = {
    **{
        f"alg {alg!r}, signature {name}": lambda r, a=alg, s=sign: unsigned(r, a, s)
        for alg in ("none", "None", "NONE", "nOnE", "", "HS256", "ES384", "ES256K", "RS256", "dir")
        for name, sign in (("empty", ""), ("zeros", encoded(bytes(64))), ("of one byte", "AA"))
    },
    "alg ES256, r and s zero": lambda r: unsigned(r, "ES256", encoded(bytes(64))),
    "HS256 under the public key's PEM": lambda r: confused(r, public_pem(r.identities.keys["first"])),
    "HS256 under the public key's JWK": lambda r: confused(
        r, json.dumps(public_jwk(r.identities.keys["first"], "first")).encode()
    ),
    "HS256 under nothing": lambda r: confused(r, b""),
    "HS256 under the foreign issuer's public key": lambda r: confused(r, public_pem(r.foreign_key)),
    **{
        f"kid {str(kid)[:24]!r} ({type(kid).__name__})": lambda r, k=kid: r.with_header(
            {"alg": "ES256", "typ": ACCESS_TYPE, "kid": k}, ATTACKER
        )
        for kid in KID_INJECTIONS
    },
    "no kid": lambda r: r.with_header({"alg": "ES256", "typ": ACCESS_TYPE}),
    "jwk in the header": lambda r: forged(r, jwk=public_jwk(ATTACKER, "first")),
    "jwk in the header, its own kid": lambda r: forged(r, jwk=public_jwk(ATTACKER, "mine"), kid="mine"),
    "jku": lambda r: forged(r, jku="https://evil.example/keys"),
    "jku, its own kid": lambda r: forged(r, jku="https://evil.example/keys", kid="mine"),
    "x5u": lambda r: forged(r, x5u="https://evil.example/cert.pem"),
    "x5c": lambda r: forged(r, x5c=["MIIB"]),
    "another's signature": lambda r: forged(r),
    "crit": lambda r: r.with_header({**GOOD_HEADER, "crit": ["exp"]}),
    "crit b64": lambda r: r.with_header({**GOOD_HEADER, "crit": ["b64"], "b64": False}),
    "b64 false": lambda r: r.with_header({**GOOD_HEADER, "b64": False}),
    "zip": lambda r: r.with_header({**GOOD_HEADER, "zip": "DEF"}),
    "a retired key": retired,
    "a replaced key": replaced,
    "expired": lambda r: r.identities.token(exp=NOW - 1),
    "expires now and then": lambda r: r.identities.token(exp=str(NOW + 300)),
    "expires never": lambda r: r.identities.token(exp=None),
    "expires true": lambda r: r.identities.token(exp=True),
    "not valid yet": lambda r: r.identities.token(nbf=NOW + 3600),
    "made in the future": lambda r: r.identities.token(iat=NOW + 3600),
    "made at no time": lambda r: r.identities.token(iat=None),
    "wrong audience": lambda r: r.identities.token(aud="license"),
    "audience of the cookie": lambda r: r.identities.token(aud="kinolog-session"),
    "no audience": lambda r: r.identities.token(aud=None),
    "wrong issuer": lambda r: r.identities.token(iss="https://evil.example"),
    "no issuer": lambda r: r.identities.token(iss=None),
    "issuer as a list": lambda r: _claims_signed(r, iss=[ISSUER]),
    "typ JWT": lambda r: r.identities.token({"typ": "JWT"}),
    "typ of a logout token": lambda r: r.identities.token({"typ": "logout+jwt"}),
    "no typ": lambda r: r.with_header({"alg": "ES256", "kid": "first"}),
    "no subject": lambda r: r.identities.token(sub=None),
    "subject is a number": lambda r: _claims_signed(r, sub=7),
    "another's session": lambda r: r.identities.token(sub="b" * 32),
    "an unknown session": lambda r: r.identities.token(sid="6" * 32),
    "no session": lambda r: r.identities.token(sid=None),
    "session is a list": lambda r: r.identities.token(sid=[SID]),
    "huge": lambda r: r.identities.token(more=PADDING),
    "huge header": lambda r: r.with_header({**GOOD_HEADER, "pad": PADDING}),
    "deep header": lambda r: r.with_header({**GOOD_HEADER, "deep": json.loads("[" * 900 + "]" * 900)}),
    "a token in a token": lambda r: _payload_signed(r, r.identities.token().encode()),
    "a payload that is a list": lambda r: _payload_signed(r, b"[]"),
    "a payload that is no JSON": lambda r: _payload_signed(r, b"{"),
    "a payload that is empty": lambda r: ".".join((good_parts(r)[0], "", good_parts(r)[2])),
    "a payload of another token": lambda r: ".".join(
        (good_parts(r)[0], encoded(r.identities.claims(sub="b" * 32)), good_parts(r)[2])
    ),
    "DER signature": der_signature,
    "signature cut": lambda r: r.identities.token()[:-2],
    "signature padded": lambda r: r.identities.token() + "==",
    "signature in base64": lambda r: r.identities.token()[:-1] + "+",
    "one part": lambda r: good_parts(r)[0],
    "two parts": lambda r: ".".join(good_parts(r)[:2]),
    "four parts": lambda r: r.identities.token() + ".AAAA",
    "five parts, as encrypted ones have": lambda r: r.identities.token() + ".AAAA.AAAA",
    "with a line break": lambda r: r.identities.token().replace(".", ".\n", 1),
    "JSON serialisation": lambda r: json.dumps(
        dict(zip(("protected", "payload", "signature"), good_parts(r), strict=True))
    ),
    "ours by the foreign key": lambda r: jwt.encode(
        r.identities.claims(),
        r.foreign_key,
        algorithm="ES256",
        headers={"kid": "foreign", "typ": ACCESS_TYPE},
    ),
    "foreign by our key": lambda r: r.foreign({"kid": "first"}, r.identities.keys["first"]),
    "foreign, unknown kid": lambda r: r.foreign({"kid": "first"}),
    "foreign, key for encryption": lambda r: r.foreign({"kid": "encrypts"}),
    "foreign, key for wrapping": lambda r: r.foreign({"kid": "wraps"}),
    "foreign, key of another algorithm": lambda r: r.foreign({"kid": "other-alg"}),
    "foreign, another audience": lambda r: r.foreign(aud="somebody-else"),
    "foreign, our audience": lambda r: r.foreign(aud="kinolog"),
    "foreign, expired": lambda r: r.foreign(exp=NOW - 1),
    "foreign, no expiry": lambda r: r.foreign(exp=None),
    "foreign, endless": lambda r: r.foreign(exp=float("inf")),
    "foreign, a logout token": lambda r: r.foreign({"typ": "logout+jwt"}),
    "foreign, subject is a number": lambda r: r.foreign(sub=7),
    "shared, another secret": lambda r: r.shared(secret=SECRET),
    "shared, the foreign issuer's name": lambda r: r.shared(iss=FOREIGN.issuer),
    "shared, another audience": lambda r: r.shared(aud="license"),
    "shared, expired": lambda r: r.shared(exp=NOW - 1),
    "shared, for a year": lambda r: r.shared(exp=NOW + 365 * 86400),
    "a session cookie as a bearer token": lambda r: r.guard.tokens.issue_session(
        Principal("administrator", frozenset({"assets:delete"}), "key")
    ),
    "a watch code as a bearer token": lambda r: r.guard.tokens.issue_code(),
}


def _claims_signed(readers: Readers, **claims: Any) -> str:
    return _payload_signed(readers, json.dumps({**readers.identities.claims(), **claims}).encode())


def _payload_signed(readers: Readers, payload: bytes) -> str:
    message = f"{encoded(GOOD_HEADER)}.{encoded(payload)}"
    key = readers.identities.keys["first"]
    return f"{message}.{encoded(ECAlgorithm(hashes.SHA256).sign(message.encode(), key))}"


async def test_the_good_ones_do_let_in(readers: Readers) -> None:
    """Otherwise the table below would show nothing."""
    for token, subject in (
        (readers.identities.token(), ACCOUNT),
        (readers.with_header(GOOD_HEADER), ACCOUNT),
        (readers.foreign(), "https://login.example#somebody"),
        (readers.shared(), f"{ISSUER}#{ACCOUNT}"),
    ):
        found = await readers.guard.bearer(token)
        assert found is not None
        assert found.subject == subject
        assert "assets:delete" in found.permissions
        assert await readers.guard.bearer(token) == found  # also from what is remembered


@pytest.mark.parametrize("attack", ATTACKS)
async def test_it_lets_nobody_in(readers: Readers, attack: str) -> None:
    await readers.guard.bearer(readers.identities.token())  # a good one came before and is remembered
    token = ATTACKS[attack](readers)
    assert await readers.guard.bearer(token) is None
    if not attack.endswith("as a bearer token"):
        assert await readers.guard.cookie(token) is None


async def test_only_our_own_session_tokens_fit_into_the_cookie(readers: Readers) -> None:
    assert await readers.guard.cookie(readers.identities.token()) is not None
    for token in (readers.foreign(), readers.shared(), readers.guard.tokens.issue_code()):
        assert await readers.guard.cookie(token) is None


async def test_headers_that_name_keys_are_ignored_not_followed(readers: Readers) -> None:
    """The token is good by our own key; what its header points at is nobody's business."""
    token = readers.with_header({**GOOD_HEADER, "jku": "https://evil.example/keys", "jwk": {}})
    assert await readers.guard.bearer(token) is not None


def test_what_is_remembered_of_unproven_tokens_is_short() -> None:
    claims = {"iss": "x", "a": [[] for _ in range(1000)]}
    said = peek(
        jwt.encode(claims, "y" * 32, algorithm="HS256", headers={"kid": "k", "typ": "application/JWT"})
    )
    assert said == ("HS256", "k", "jwt", "x")


def test_weak_and_unfit_keys_are_not_used() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    jwk = json.loads(RSAAlgorithm.to_jwk(small.public_key()))
    with pytest.raises(KeyUnusable, match="2048"):
        public_key(jwk, "RS256")
    p384 = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key()))
    good = public_jwk(ec_key(), "x")
    for wrong, alg in (
        (p384, "ES256"), (good, "HS256"), (good, "none"), (good, "RS256"), ({**good, "use": "enc"}, "ES256"),
        ({**good, "key_ops": ["sign"]}, "ES256"), ({**good, "alg": "ES384"}, "ES256"), ({}, "ES256"),
        ({**good, "x": "AA"}, "ES256"), ({"kty": "oct", "k": "AAAA"}, "HS256"),
    ):  # fmt: skip
        with pytest.raises(KeyUnusable):
            public_key(wrong, alg)
