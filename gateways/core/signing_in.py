"""The session of a browser at any service with pages: sign in with the administrator's API key or a watch
link's code, see who is signed in, sign out. (People's addresses and passwords are the identity service's.)"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateways.core.adaptive import Priority
from gateways.core.app import CORE
from gateways.core.endpoint import body_of, json_response
from gateways.core.jwts import TokenRefused
from gateways.core.permissions import PUBLIC, SESSION
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from gateways.core.rates import SIGN_IN
from gateways.core.routes import Route
from gateways.core.sessions import SESSION_TTL_S, SecretMissing


class SessionRequest(BaseModel):
    """Exactly one of the two."""

    model_config = ConfigDict(extra="forbid")

    api_key: str | None = Field(default=None, max_length=512, description="an API key")
    code: str | None = Field(default=None, max_length=4096, description="the code of a watch link")


class Session(BaseModel):
    """Who is signed in."""

    subject: str
    permissions: list[str]
    via: str = Field(description="`key`, `token` or `session` (a cookie)")
    asset_id: str | None = Field(description="the only asset this session sees; null: all")
    expires_at_ms: int | None
    account_id: str | None = Field(description="null: the administrator's key or a watch link")
    name: str | None = Field(description="of the account: its name, else its address")
    roles: list[str]


async def sign_in(request: web.Request) -> web.Response:
    body = body_of(request, SessionRequest)
    guard = request.app[CORE].guard
    if (body.api_key is None) == (body.code is None):
        raise Problem("validation", "Send exactly one of api_key and code.")
    if body.api_key is not None:
        principal = guard.key_principal(body.api_key)
        if principal is None:
            raise Problem(
                "bad-credential", "This API key is not valid; `kinolog status` says where it is kept."
            )
    else:
        try:
            principal = guard.tokens.read_code(body.code or "")
        except TokenRefused as error:
            raise Problem(
                "bad-credential", "This watch link has expired or is not ours; ask for a new one."
            ) from error
    expires_at_s = int(guard.tokens.clock()) + SESSION_TTL_S
    response = json_response(await _session(request, principal, expires_at_s), 201)
    try:
        guard.set_cookie(response, principal)
    except SecretMissing as error:
        raise Problem("not-configured", f"{error}.") from error
    return response


async def show_session(request: web.Request) -> web.Response:
    principal = principal_of(request)
    return json_response(await _session(request, principal, principal.expires_at_s))


async def sign_out(request: web.Request) -> web.Response:
    response = web.Response(status=204)
    request.app[CORE].guard.clear_cookie(response)
    return response


async def _session(request: web.Request, principal: Principal, expires_at_s: int | None) -> Session:
    names, account_id = request.app[CORE].names, principal.account_id
    return Session(
        subject=principal.subject,
        permissions=sorted(principal.permissions),
        via=principal.via,
        asset_id=principal.asset_id,
        expires_at_ms=expires_at_s * 1000 if expires_at_s is not None else None,
        account_id=account_id,
        name=await names.of(account_id) if names is not None and account_id is not None else None,
        roles=list(principal.roles),
    )


SESSION_ROUTES: Final = (
    Route(
        method="POST", path="/v1/session", handler=sign_in, permission=PUBLIC, status=201,
        summary="Sign in: an API key or a watch link's code for a cookie", body=SessionRequest,
        response=Session, problems=("bad-credential", "cross-origin", "not-configured"), tag="session",
        limits=SIGN_IN, priority=Priority.LICENCE,
    ),
    Route(
        method="GET", path="/v1/session", handler=show_session, permission=SESSION,
        summary="Who is signed in", response=Session, max_body_bytes=0, tag="session",
    ),
    Route(
        method="DELETE", path="/v1/session", handler=sign_out, permission=PUBLIC, status=204,
        summary="Sign out", max_body_bytes=0, tag="session",
    ),
)  # fmt: skip
