"""Sign in with an API key or a watch link's code, see who is signed in, sign out."""

from __future__ import annotations

from aiohttp import web

from gateways.core.app import CORE
from gateways.core.endpoint import body_of, json_response
from gateways.core.jwts import TokenRefused
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from gateways.core.sessions import SESSION_TTL_S, SecretMissing
from gateways.media.models import Session, SessionRequest


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
    response = json_response(_session(principal, expires_at_s), 201)
    try:
        guard.set_cookie(response, principal)
    except SecretMissing as error:
        raise Problem("not-configured", f"{error}.") from error
    return response


async def show_session(request: web.Request) -> web.Response:
    principal = principal_of(request)
    return json_response(_session(principal, principal.expires_at_s))


async def sign_out(request: web.Request) -> web.Response:
    response = web.Response(status=204)
    request.app[CORE].guard.clear_cookie(response)
    return response


def _session(principal: Principal, expires_at_s: int | None) -> Session:
    return Session(
        subject=principal.subject,
        permissions=sorted(principal.permissions),
        via=principal.via,
        asset_id=principal.asset_id,
        expires_at_ms=expires_at_s * 1000 if expires_at_s is not None else None,
    )
