"""One's own account: see it, change name and password, have it erased."""

from __future__ import annotations

from aiohttp import web

from gateways.core.app import CORE
from gateways.core.endpoint import body_of, json_response, query_of
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.core.reasons import REASON
from gateways.identity import present
from gateways.identity.asking import account_or_404, ask, opened, sealed
from gateways.identity.context import identity_of
from gateways.identity.keeping import keep
from gateways.identity.models import ErasureAccepted, Films, OwnErasureQuery, PasswordChange, Profile
from gateways.identity.passwords import check
from gateways.identity.rights import must_be_recent, own_id, own_session
from schemas.identity.views import AccountDocument, password_of
from streams.core.vault import PASSWORD


async def show(request: web.Request) -> web.Response:
    identity = identity_of(request)
    document = await account_or_404(identity, own_id(request))
    return json_response(await present.me(identity, document, principal_of(request)))


async def change_profile(request: web.Request) -> web.Response:
    identity, account_id = identity_of(request), own_id(request)
    name = body_of(request, Profile).display_name
    data = {"display_name_sealed": await sealed(identity, account_id, present.DISPLAY_NAME, name)}
    await ask(identity, account_id, "ProfileChangeRequested", data, scoped_id(request, "profile"))
    return await show(request)


async def change_password(request: web.Request) -> web.Response:
    """Ends every other login session. A retry whose first answer was lost finds the new password set."""
    identity, account_id, sid = identity_of(request), own_id(request), own_session(request)
    body = body_of(request, PasswordChange)
    current, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
    document = await account_or_404(identity, account_id)
    [address] = await opened(identity, [(account_id, present.EMAIL, document["email_sealed"])])
    check(new, address)
    await identity.attempts.count(f"password:{account_id}:{sid}")
    kept = await identity.vault.get(PASSWORD, password_of(document))
    if await identity.passwords.matches(kept, current):
        await _replaced(request, document, sid, new)
    elif not await identity.passwords.matches(kept, new):
        raise Problem("forbidden", "The current password is wrong.")
    await identity.attempts.forget(f"password:{account_id}:{sid}")
    return web.Response(status=204)


async def _replaced(request: web.Request, document: AccountDocument, sid: str, new: str) -> None:
    """The new password counts from the event on that ends the other sessions, never earlier."""
    identity, account_id = identity_of(request), document["account_id"]
    password_id = scoped_id(request, "password")
    if not await keep(identity, account_id, password_id, new):
        raise Problem("idempotency-key-reused", "Another password came with it; send a new Idempotency-Key.")
    data = {"keep_sid": sid, "password_id": password_id, "replaces_id": document.get("password_id")}
    try:
        await ask(identity, account_id, "PasswordReplaced", data, password_id)
    except Problem as problem:
        if problem.members.get("code") is not None:  # decided: it will never count
            await identity.vault.delete(PASSWORD, password_id)
        raise


async def erase(request: web.Request) -> web.Response:
    """For ever. Only shortly after signing in."""
    identity, account_id = identity_of(request), own_id(request)
    must_be_recent(request, await account_or_404(identity, account_id))
    query = query_of(request, OwnErasureQuery)
    accepted = await erased(request, account_id, query.reason, query.films)
    response = json_response(accepted, 202)
    request.app[CORE].guard.clear_cookie(response)
    return response


async def erased(
    request: web.Request, account_id: str, reason: str | None, films: Films, heir_id: str | None = None
) -> ErasureAccepted:
    """Ask for an account's erasure; returns when it may do nothing any more.

    Its films are deleted or another's soon after. `heir_id`: None for the administrator.
    """
    identity = identity_of(request)
    request_id = scoped_id(request, f"erase:{account_id}")
    data = {
        "actor": principal_of(request).actor,
        "reason_sealed": await sealed(identity, account_id, REASON, reason),
        "films": films,
        "heir_id": heir_id,
    }
    await ask(identity, account_id, "ErasureRequested", data, request_id)
    return ErasureAccepted(account_id=account_id, request_id=request_id)
