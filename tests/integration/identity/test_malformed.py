"""Whatever is sent to the identity service, its answer is one of those that it documents, and never a 5xx."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.integration.identity.conftest import Api

ODD_TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "x" * 5000,
    "\u202e",
    "'; DROP TABLE log_events; --",
    "💥" * 50,
    "../../etc",
]
ODD_VALUES: list[Any] = [*ODD_TEXTS, None, True, -1, 2**63, 2**70, 1e308, [], {}, [[]], {"$ne": None}]
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/sessions": {"email": "x@people.example", "password": "some words for nobody"},
    "POST /v1/sessions/refresh": {"refresh_token": "kinr_" + "0" * 32 + "_" + "x" * 43},
    "POST /v1/one-time-links/redeem": {"token": "kinl_x", "password": "some words for nobody"},
    "POST /v1/invitations": {"email": "nonsense", "roles": ["viewer"], "display_name": "x", "reason": "x"},
    "POST /v1/users": {"email": "nonsense", "roles": [], "password": "some words for nobody"},
    "PATCH /v1/users/" + "f" * 32: {"roles": [], "disabled": False, "reason": "x"},
    "POST /v1/users/" + "f" * 32 + "/reset-link": {"reason": "x"},
    "PATCH /v1/me": {"display_name": "x"},
    "POST /v1/me/password": {"current_password": "not this one, no", "new_password": "x"},
    "POST /v1/api-keys": {"name": "x", "scopes": ["account:self"], "expires_at_ms": 1},
    "POST /v1/api-keys/" + "f" * 16 + "/rotate": {"overlap_s": 1},
}


async def documented(api: Api) -> dict[str, set[int]]:
    """Statuses of every operation, by method and path."""
    paths = (await api.ask("GET", "/openapi.json", 200))["paths"]
    return {
        f"{method.upper()} {path}": {int(status) for status in operation["responses"]}
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete")
    }


def template(operation: str, known: dict[str, set[int]]) -> str:
    return (
        operation.replace("f" * 32, "{account_id}").replace("f" * 16, "{key_id}")
        if operation not in known
        else operation
    )


@pytest.mark.parametrize("operation", list(BODIES))
async def test_bodies_with_one_odd_value(api: Api, operation: str) -> None:
    known, person = await documented(api), await api.person("admin")
    method, path = operation.split(" ")
    allowed = known[template(operation, known)]
    for name in BODIES[operation]:
        for odd in ODD_VALUES:
            raw = json.dumps({**BODIES[operation], name: odd})
            headers = {**person.bearer, "Content-Type": "application/json"}
            async with api.http.request(method, path, data=raw, headers=headers) as answer:
                text = await answer.text()
                assert answer.status < 500, (operation, name, odd, text)
                assert answer.status in allowed, (operation, name, odd, text)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=x", "limit=99999", "cursor=%00", "cursor=W10", "cursor=WyJ4Iiwi", "unknown=1",
        "cursor=" + base64.urlsafe_b64encode(b"[NaN,1]").decode(),
        "cursor=" + base64.urlsafe_b64encode(b"[1e400,\"x\"]").decode(),
        "cursor=" + base64.urlsafe_b64encode(b"[99999999999999999999,\"x\"]").decode(),
    ],
)  # fmt: skip
async def test_odd_queries(api: Api, query: str) -> None:
    for path in ("/v1/users", "/v1/audit"):
        await api.ask("GET", f"{path}?{query}", 422)


async def test_odd_bodies_and_headers(api: Api) -> None:
    json_type = {"Content-Type": "application/json"}
    for raw, status in (
        (b"", 400), (b"{", 400), (b"[" * 10_000, 400), (b'{"a":' * 50 + b"1" + b"}" * 50, 400),
        (b"\xff\xfe", 400), (b'{"email":"\\ud800","password":"x"}', 400), (b"x" * 100_000, 413),
    ):  # fmt: skip
        async with api.http.post("/v1/sessions", data=raw, headers=json_type) as answer:
            assert answer.status == status, (raw[:20], await answer.text())
    for credential in (
        "Bearer",
        "Bearer ",
        "Bearer kino_",
        "Basic eDp5",
        "Bearer a.b.c",
        "Bearer " + "x" * 5000,
    ):
        await api.ask("GET", "/v1/me", 401, headers={"Authorization": credential})
