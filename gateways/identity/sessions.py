"""Login sessions: sign in, go on by refresh token, see, end.

A program gets an access token of minutes and a refresh token that is exchanged for the next pair; a browser
gets one token in a cookie that no script reads. Both stand on the account's login session, which the gate
looks up at each request: ending it ends them.
"""

from __future__ import annotations

import secrets
from typing import Final, NoReturn

import orjson
from aiohttp import web

from gateways.core.app import CORE
from gateways.core.endpoint import body_of, json_response
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.identity import credentials, present, refreshing
from gateways.identity.asking import account_or_404, ask, find_account, sealed
from gateways.identity.book import normal
from gateways.identity.context import Identity, identity_of
from gateways.identity.models import LoginSessions, Refresh, SignIn, Tokens
from gateways.identity.rights import own_id
from schemas.identity.roles import permissions_of
from schemas.identity.views import AccountDocument, password_of, session_of
from streams.core.vault import LOGIN_SESSION, PASSWORD

BROWSER_S: Final = 12 * 3600  # a login session in a cookie
PROGRAM_S: Final = 30 * 86_400  # one of refresh tokens
ACCESS_S: Final = 5 * 60
LONGEST_AGENT: Final = 200
NOBODY: Final = "0" * 32  # an account that does not exist, to look up where there is none
WRONG: Final = "The address or the password is wrong, or the account may not sign in now."
OVER: Final = "This login session is over; sign in again."


async def sign_in(request: web.Request) -> web.Response:
    """The same answer, after the same work, for an unknown address, a wrong password, a disabled account."""
    identity, body = identity_of(request), body_of(request, SignIn)
    password = body.password.get_secret_value()
    address = await _address_of(identity, body.email)
    tries = f"{address}:{await identity.book.hmac(_network(request))}"
    await identity.attempts.count(tries)
    account_id = await _owner(identity, address)
    document = await find_account(identity, account_id)
    password_id = password_of(document) if document is not None else account_id
    kept = await identity.vault.get(PASSWORD, password_id)
    right = await identity.passwords.matches(kept, password)
    if not right or kept is None or document is None or document["state"] != "active":
        raise Problem("bad-credential", WRONG)
    await identity.attempts.forget(tries)
    await _renew(identity, password_id, kept, password)
    sid, ttl_s = secrets.token_hex(16), BROWSER_S if body.cookie else PROGRAM_S
    refresh = None
    if not body.cookie:
        refresh, entry = refreshing.first(account_id, sid)
        if not await identity.vault.put(
            LOGIN_SESSION, sid, entry, subject=account_id, expires_in_s=ttl_s, if_subject_known=True
        ):
            raise Problem("bad-credential", WRONG)
    agent = request.headers.get("User-Agent", "").encode(errors="replace").decode()[:LONGEST_AGENT] or None
    expires_at_ms = identity.now_ms() + ttl_s * 1000
    data = {
        "sid": sid,
        "expires_at_ms": expires_at_ms,
        "agent_sealed": await sealed(identity, account_id, present.AGENT, agent),
        "country": identity.countries.of(request.app[CORE].config.proxies.client(request)) or None,
        "password_id": document.get("password_id"),
    }
    try:
        await ask(identity, account_id, "SessionRequested", data, secrets.token_hex(16))
    except Problem as problem:
        if problem.members.get("code") is None:
            raise
        # Decided: there is no such session. Another password was set meanwhile, or the account is disabled.
        await identity.vault.delete(LOGIN_SESSION, sid)
        raise Problem("bad-credential", WRONG) from None
    return await _answer(request, document, sid, expires_at_ms, refresh, 201)


async def _renew(identity: Identity, password_id: str, kept: bytes, password: str) -> None:
    """Make the hash of a password that was right anew if it is by parameters of before."""
    if identity.passwords.outdated(kept):
        hashed = await identity.passwords.hash(password)
        await identity.vault.swap(PASSWORD, password_id, kept, hashed)


async def _address_of(identity: Identity, text: str) -> str:
    """HMAC of the address; one that is none goes on as an unknown one."""
    try:
        return await identity.book.hmac(normal(text))
    except Problem:
        return await identity.book.hmac(text)


async def _owner(identity: Identity, address: str) -> str:
    view = await identity.projections.pin(identity.addresses)
    found = await view.get(address)
    return str(found["account_id"]) if found is not None else NOBODY


def _network(request: web.Request) -> str:
    return request.app[CORE].config.proxies.network(request)


async def _answer(
    request: web.Request,
    document: AccountDocument,
    sid: str,
    expires_at_ms: int,
    refresh: str | None,
    status: int,
) -> web.Response:
    identity = identity_of(request)
    left_s = (expires_at_ms - identity.now_ms()) // 1000
    ttl_s = min(left_s, ACCESS_S) if refresh is not None else left_s
    token = await identity.signer.token(document["account_id"], sid, document["roles"], ttl_s)
    answer = Tokens(
        account_id=document["account_id"],
        sid=sid,
        roles=document["roles"],
        permissions=sorted(permissions_of(document["roles"])),
        expires_at_ms=expires_at_ms,
        access_token=token if refresh is not None else None,
        access_expires_at_ms=identity.now_ms() + ttl_s * 1000 if refresh is not None else None,
        refresh_token=refresh,
    )
    response = json_response(answer, status)
    if refresh is None:
        request.app[CORE].guard.set_session(response, token, ttl_s)
    return response


async def refresh(request: web.Request) -> web.Response:
    """The next pair of tokens. A refresh token that was spent ends the session: somebody has a copy."""
    identity = identity_of(request)
    text = body_of(request, Refresh).refresh_token.get_secret_value()
    sid = credentials.entry_of(credentials.REFRESH, text)
    while True:
        raw = await identity.vault.get(LOGIN_SESSION, sid) if sid is not None else None
        if sid is None or raw is None:
            raise Problem("bad-credential", OVER)
        kept: refreshing.Kept = orjson.loads(raw)
        document = await find_account(identity, kept["account_id"])
        session = session_of(document, sid, identity.now_ms()) if document is not None else None
        if document is None or session is None:
            raise Problem("bad-credential", OVER)
        try:
            successor, new = refreshing.exchange(kept, sid, text, identity.now_ms())
        except refreshing.Unknown:
            raise Problem("bad-credential", OVER) from None
        except refreshing.Reused:
            await _end_reused(identity, document["account_id"], sid)
        # Before the old one is spent: where no token can be signed now, a retry must not look like a thief.
        answer = await _answer(request, document, sid, session["expires_at_ms"], successor, 200)
        # Where another request was quicker with the same token it is spent now: look again.
        if new is None or await identity.vault.swap(LOGIN_SESSION, sid, raw, new):
            return answer


async def _end_reused(identity: Identity, account_id: str, sid: str) -> NoReturn:
    await _end(
        identity, account_id, secrets.token_hex(16), sid=sid, reason="refresh_reused", actor=account_id
    )
    raise Problem(
        "bad-credential", "This refresh token was used before, so its login session was ended; sign in again."
    )


async def list_sessions(request: web.Request) -> web.Response:
    identity = identity_of(request)
    document = await account_or_404(identity, own_id(request))
    items = await present.sessions(identity, document, principal_of(request).session_id)
    return json_response(LoginSessions(items=items))


async def sign_out(request: web.Request) -> web.Response:
    """End the session that the request stands on, and take the cookie away."""
    principal = principal_of(request)
    if principal.account_id is not None and principal.session_id is not None:
        request_id = scoped_id(request, f"sign-out:{principal.session_id}")
        await _end(
            identity_of(request), principal.account_id, request_id,
            sid=principal.session_id, reason="signed_out", actor=principal.account_id,
        )  # fmt: skip
    response = web.Response(status=204)
    request.app[CORE].guard.clear_cookie(response)
    return response


async def end_one(request: web.Request) -> web.Response:
    identity, account_id, sid = identity_of(request), own_id(request), request.match_info["sid"]
    document = await account_or_404(identity, account_id)
    if sid not in document["sessions"]:
        raise Problem("not-found", "You have no such login session; GET /v1/sessions lists those you have.")
    await _end(
        identity, account_id, scoped_id(request, f"end:{sid}"),
        sid=sid, reason="ended_by_owner", actor=account_id,
    )  # fmt: skip
    return web.Response(status=204)


async def end_others(request: web.Request) -> web.Response:
    """All but the one that the request stands on."""
    principal, account_id = principal_of(request), own_id(request)
    await _end(
        identity_of(request), account_id, scoped_id(request, "end-others"),
        keep_sid=principal.session_id, reason="ended_by_owner", actor=account_id,
    )  # fmt: skip
    return web.Response(status=204)


async def _end(
    identity: Identity,
    account_id: str,
    request_id: str,
    *,
    sid: str | None = None,
    keep_sid: str | None = None,
    reason: str,
    actor: str,
) -> None:
    """End sessions; that none is left to end is as good. The log first: what it ended nobody can refresh."""
    data = {"sid": sid, "keep_sid": keep_sid, "reason": reason, "actor": actor}
    try:
        await ask(identity, account_id, "SessionEndRequested", data, request_id)
    except Problem as problem:
        if problem.members.get("code") != "session_over":
            raise
    if sid is not None:
        await identity.vault.delete(LOGIN_SESSION, sid)
