"""Credentials: API key, session cookie, watch code; and requests that another site provokes."""

from __future__ import annotations

import dataclasses

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from gateways.core.app import Service, create_app
from gateways.core.auth import COOKIE, Guard
from gateways.core.deps import CoreDeps
from gateways.core.jwts import TokenRefused
from gateways.core.permissions import ADMINISTRATOR, VIEWER
from gateways.core.principal import Principal
from gateways.core.sessions import CODE_TTL_S, SESSION_TTL_S, Tokens
from gateways.core.signing_in import SESSION_ROUTES
from tests.unit.gateways.conftest import ALLOWED_ORIGIN, BEARER, KEY, SECRET, Gateway, Serve

Client = TestClient[web.Request, web.Application]


def origin_of(client: Client) -> dict[str, str]:
    return {"Origin": f"http://{client.host}:{client.port}"}


async def signed_in(gateway: Gateway, **body: str) -> dict[str, str]:
    """Cookies of a new session."""
    answer = await gateway.client.post("/v1/session", json=body, headers=origin_of(gateway.client))
    assert answer.status == 201, await answer.text()
    return {COOKIE: answer.cookies[COOKIE].value}


def test_a_key_is_known_by_its_hash_alone(guard: Guard) -> None:
    found = guard.key_principal(KEY)
    assert found is not None
    assert found.permissions == ADMINISTRATOR
    assert guard.key_principal(KEY + "x") is None
    assert guard.key_principal("") is None


def test_without_a_configured_key_no_key_is_right(tokens: Tokens) -> None:
    assert Guard(admin_key_sha256="", tokens=tokens).key_principal("") is None
    assert Guard(admin_key_sha256="", tokens=tokens).key_principal("anything") is None


async def test_the_cookie_is_httponly_strict_and_lasts_twelve_hours(gateway: Gateway) -> None:
    answer = await gateway.client.post("/v1/session", json={"api_key": KEY})
    cookie = answer.cookies[COOKIE]
    assert answer.status == 201
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(SESSION_TTL_S)
    body = await answer.json()
    assert body["permissions"] == sorted(ADMINISTRATOR)
    assert KEY not in cookie.value


async def test_a_session_reads_and_ends(gateway: Gateway) -> None:
    cookies = await signed_in(gateway, api_key=KEY)
    shown = await gateway.client.get("/v1/session", cookies=cookies)
    assert (await shown.json())["via"] == "session"
    ended = await gateway.client.delete("/v1/session", headers=origin_of(gateway.client))
    assert ended.status == 204
    assert ended.cookies[COOKIE]["max-age"] == "0"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"api_key": "wrong"}, 401),
        ({"code": "wrong"}, 401),
        ({}, 422),
        ({"api_key": KEY, "code": "x"}, 422),
        ({"apikey": KEY}, 422),
        ({"api_key": 5}, 422),
    ],
)
async def test_a_wrong_sign_in_says_so_and_repeats_no_secret(
    gateway: Gateway, body: dict[str, object], status: int
) -> None:
    answer = await gateway.client.post("/v1/session", json=body)
    assert answer.status == status
    assert COOKIE not in answer.cookies
    assert KEY not in await answer.text()


async def test_a_watch_code_gives_a_viewer_of_one_asset(gateway: Gateway) -> None:
    mine, other = (await gateway.upload(b"one"))["id"], (await gateway.upload(b"two"))["id"]
    cookies = await signed_in(gateway, code=gateway.tokens.issue_code(asset_id=mine))
    get = gateway.client.get
    assert (await get(f"/v1/assets/{mine}", cookies=cookies)).status == 200
    assert (await get(f"/v1/assets/{other}", cookies=cookies)).status == 403
    # a page holds no data: it opens, and tells a person what the API refuses
    page = await get(f"/watch/{other}", cookies=cookies)
    assert (page.status, page.content_type) == (200, "text/html")
    listed = await (await get("/v1/assets", cookies=cookies)).json()
    assert [item["id"] for item in listed["items"]] == [mine]
    deleted = await gateway.client.delete(
        f"/v1/assets/{mine}", cookies=cookies, headers=origin_of(gateway.client)
    )
    assert deleted.status == 403


def test_a_code_expires_and_is_no_session() -> None:
    now = [1_000_000.0]
    tokens = Tokens(SECRET, clock=lambda: now[0])
    code = tokens.issue_code()
    assert tokens.read_code(code).permissions == VIEWER
    with pytest.raises(TokenRefused):
        tokens.read_session(code)
    now[0] += CODE_TTL_S
    with pytest.raises(TokenRefused, match="expired"):
        tokens.read_code(code)


def test_a_code_is_short_and_says_only_what_it_must() -> None:
    tokens = Tokens(SECRET, clock=lambda: 1_700_000_000.0)
    code = tokens.issue_code(asset_id="a" * 32)
    assert len(code) < 190
    assert jwt.decode(code, options={"verify_signature": False}).keys() == {"aud", "exp", "asset_id"}
    found = tokens.read_code(code)
    assert (found.subject, found.permissions, found.asset_id) == ("watch-link", VIEWER, "a" * 32)
    assert tokens.read_code(tokens.issue_code(permissions={"assets:read"})).permissions == {"assets:read"}
    assert tokens.read_code(tokens.issue_code(permissions=())).permissions == frozenset()


def test_codes_that_are_forged_or_endless_or_sessions_are_refused() -> None:
    tokens = Tokens(SECRET)
    session = tokens.issue_session(Principal("x", ADMINISTRATOR, "key"))
    endless = jwt.encode({"aud": "kinolog-code"}, SECRET)
    unsigned = jwt.encode({"aud": "kinolog-code", "exp": 9_999_999_999}, "", algorithm="none")
    elsewhere = Tokens(SECRET + "!").issue_code()
    for code in (session, endless, unsigned, elsewhere, "", "a.b.c"):
        with pytest.raises(TokenRefused):
            tokens.read_code(code)


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_tokens_of_other_algorithms_are_refused(algorithm: str) -> None:
    claims = {"iss": "kinolog", "aud": "kinolog-session", "sub": "x", "iat": 0, "exp": 9_999_999_999}
    forged = jwt.encode(claims, SECRET * 2 if algorithm == "HS512" else None, algorithm=algorithm)
    with pytest.raises(TokenRefused):
        Tokens(SECRET).read_session(forged)


def test_tokens_of_another_secret_or_without_expiry_are_refused() -> None:
    other = Tokens(SECRET + "!").issue_session(Principal("x", ADMINISTRATOR, "key"))
    endless = jwt.encode({"iss": "kinolog", "aud": "kinolog-session", "sub": "x", "iat": 0}, SECRET)
    for token in (other, endless, "", "a.b.c"):
        with pytest.raises(TokenRefused):
            Tokens(SECRET).read_session(token)


def test_sessions_end_with_the_administrator_s_key_and_codes_do_not() -> None:
    before, after = (Tokens(SECRET, admin_key_sha256=digit * 64) for digit in "12")
    token = before.issue_session(Principal("administrator", ADMINISTRATOR, "key"))
    assert before.read_session(token).permissions == ADMINISTRATOR
    for changed in (after, Tokens(SECRET)):
        with pytest.raises(TokenRefused):
            changed.read_session(token)
    assert after.read_code(before.issue_code()).permissions == VIEWER


def test_a_permission_that_is_no_more_is_not_granted_by_an_old_token() -> None:
    tokens = Tokens(SECRET)
    token = tokens.issue_session(Principal("x", frozenset({"assets:read", "assets:burn"}), "key"))
    assert tokens.read_session(token).permissions == {"assets:read"}


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://{host}:{port}", 404),
        ("HTTP://{host}:{port}", 404),
        ("https://{host}:{port}", 403),  # the same host by another scheme is another site's as well
        ("http://{host}:1", 403),  # and what else listens on this host
        ("http://{host}", 403),
        ("http://somebody@{host}:{port}", 403),
        ("http://{host}:{port}/path", 403),
        ("http://{host}:{port}.evil.example", 403),
        ("//{host}:{port}", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://", 403),
        ("http://{host}:many", 403),
        (None, 403),
        (ALLOWED_ORIGIN, 403),  # may read with a credential of its own, and not ride on a visitor's
    ],
)
async def test_a_change_with_a_cookie_must_come_from_our_own_pages(
    gateway: Gateway, origin: str | None, status: int
) -> None:
    cookies = await signed_in(gateway, api_key=KEY)
    where = {"host": gateway.client.host, "port": gateway.client.port}
    headers = {"Origin": origin.format(**where)} if origin is not None else {}
    answer = await gateway.client.delete("/v1/assets/nothing", cookies=cookies, headers=headers)
    assert answer.status == status
    if status == 403:
        assert (await answer.json())["type"] == "urn:kinolog:problem:cross-origin"


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("video.example.org", "https://video.example.org", 201),
        ("video.example.org", "https://video.example.org:443", 201),
        ("video.example.org:443", "https://video.example.org", 201),
        ("video.example.org:8443", "https://video.example.org:8443", 201),
        ("video.example.org:8443", "https://video.example.org", 403),
        ("video.example.org", "http://video.example.org", 403),  # a page that somebody slipped in by http
        ("127.0.0.1:3001", "https://video.example.org", 403),  # a proxy that does not pass Host on
    ],
)
async def test_behind_a_proxy_that_speaks_https_pages_are_those_of_https(
    core: CoreDeps, serve: Serve, host: str, origin: str, status: int
) -> None:
    """The proxy speaks http with us and passes Host on; PUBLIC_URL says what the world sees."""
    deps = dataclasses.replace(core, guard=dataclasses.replace(core.guard, secure=True))
    client = await serve(create_app(Service(name="streaming", routes=SESSION_ROUTES), deps))
    headers = {"Host": host, "Origin": origin}
    answer = await client.post("/v1/session", json={"api_key": KEY}, headers=headers)
    assert answer.status == status
    if status == 403:
        assert "PUBLIC_URL" in (await answer.json())["detail"]
    else:
        cookie = answer.cookies[f"__Host-{COOKIE}"]
        assert cookie["secure"]
        # What another host of the domain set for all of it is nobody's.
        session = f"__Host-{COOKIE}={cookie.value}"
        for sent, via in ((f"{session}; {COOKIE}=x", "session"), (f"{COOKIE}={cookie.value}", "none")):
            told = await client.get("/v1/session", headers={"Cookie": sent, "Host": host})
            assert (told.status, (await told.json()).get("via", "none")) == (
                200 if via != "none" else 401,
                via,
            )


async def test_a_key_needs_no_origin_and_reading_needs_none(gateway: Gateway) -> None:
    assert (await gateway.client.delete("/v1/assets/nothing", headers=BEARER)).status == 404
    cookies = await signed_in(gateway, api_key=KEY)
    evil = {"Origin": "https://evil.example"}
    assert (await gateway.client.get("/v1/assets", cookies=cookies, headers=evil)).status == 200


async def test_another_site_cannot_sign_its_visitor_in(gateway: Gateway) -> None:
    answer = await gateway.client.post(
        "/v1/session", json={"api_key": KEY}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status == 403


async def test_a_wrong_key_is_not_covered_up_by_a_good_cookie(gateway: Gateway) -> None:
    cookies = await signed_in(gateway, api_key=KEY)
    answer = await gateway.client.get(
        "/v1/assets", cookies=cookies, headers={"Authorization": "Bearer nonsense"}
    )
    assert answer.status == 401


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer  ", "bearer\tx", KEY])
async def test_odd_authorization_headers_are_401(gateway: Gateway, header: str) -> None:
    assert (await gateway.client.get("/v1/assets", headers={"Authorization": header})).status == 401
