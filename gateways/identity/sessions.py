"""Login sessions: sign in, go on by refresh token, see, end.

A program gets an access token of minutes and a refresh token that is exchanged for the next pair; a browser
gets one token in a cookie that no script reads. Both stand on the account's login session, which the gate
looks up at each request: ending it ends them.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

import orjson
from aiohttp import web

from gateways.core.app import CORE
from gateways.core.endpoint import body_of, json_response
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.identity import credentials, present
from gateways.identity.asking import account_or_404, ask, find_account, sealed
from gateways.identity.book import normal
from gateways.identity.context import Identity, identity_of
from gateways.identity.models import LoginSessions, Refresh, SignIn, Tokens
from gateways.identity.rights import own_id
from schemas.identity.roles import permissions_of
from schemas.identity.views import AccountDocument, session_of
from streams.core.vault import LOGIN_SESSION, PASSWORD

BROWSER_S: Final = 12 * 3600  # a login session in a cookie
PROGRAM_S: Final = 30 * 86_400  # one of refresh tokens
ACCESS_S: Final = 5 * 60
LONGEST_AGENT: Final = 200
MOST_SPENT: Final = 64  # spent refresh tokens that are known again; older ones are merely refused
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
    kept = await identity.vault.get(PASSWORD, account_id)
    document = await find_account(identity, account_id)
    right = await identity.passwords.matches(kept, password)
    if not right or kept is None or document is None or document["state"] != "active":
        raise Problem("bad-credential", WRONG)
    await identity.attempts.forget(tries)
    kept = await _renewed(identity, account_id, kept, password)
    sid, ttl_s = secrets.token_hex(16), BROWSER_S if body.cookie else PROGRAM_S
    refresh = None
    if not body.cookie:
        made = credentials.make(credentials.REFRESH, sid)
        entry = orjson.dumps({"account_id": account_id, "refresh_sha256": made.sha256, "spent": []})
        if not await identity.vault.put(
            LOGIN_SESSION, sid, entry, subject=account_id, expires_in_s=ttl_s, if_subject_known=True
        ):
            raise Problem("bad-credential", WRONG)
        refresh = made.text
    agent = request.headers.get("User-Agent", "").encode(errors="replace").decode()[:LONGEST_AGENT] or None
    expires_at_ms = identity.now_ms() + ttl_s * 1000
    data = {
        "sid": sid,
        "expires_at_ms": expires_at_ms,
        "agent_sealed": await sealed(identity, account_id, present.AGENT, agent),
        "country": None,
    }
    await ask(identity, account_id, "SessionRequested", data, secrets.token_hex(16))
    if not await _still(identity, account_id, kept, password):
        # Another password was set meanwhile: that ended the sessions there were, and this came after them.
        await _end(
            identity, account_id, secrets.token_hex(16), sid=sid, reason="password_changed", actor=account_id
        )
        raise Problem("bad-credential", WRONG)
    return await _answer(request, document, sid, expires_at_ms, refresh, 201)


async def _renewed(identity: Identity, account_id: str, kept: bytes, password: str) -> bytes:
    """The hash of a password that was right: made anew if it is by parameters of before."""
    if not identity.passwords.outdated(kept):
        return kept
    hashed = await identity.passwords.hash(password)
    return hashed if await identity.vault.swap(PASSWORD, account_id, kept, hashed) else kept


async def _still(identity: Identity, account_id: str, kept: bytes, password: str) -> bool:
    """Whether the password is the account's now: the hash is the same, or another one of it."""
    now = await identity.vault.get(PASSWORD, account_id)
    return now == kept or (now is not None and await identity.passwords.matches(now, password))


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
    raw = await identity.vault.get(LOGIN_SESSION, sid) if sid is not None else None
    if sid is None or raw is None:
        raise Problem("bad-credential", OVER)
    entry: dict[str, Any] = orjson.loads(raw)
    document = await find_account(identity, entry["account_id"])
    session = session_of(document, sid, identity.now_ms()) if document is not None else None
    if document is None or session is None:
        raise Problem("bad-credential", OVER)
    given = credentials.digest(text)
    if not credentials.same(given, entry["refresh_sha256"]):
        await _refuse_other(identity, document["account_id"], sid, given, entry["spent"])
    made = credentials.make(credentials.REFRESH, sid)
    spent = [*entry["spent"], _short(given)][-MOST_SPENT:]
    new = orjson.dumps({**entry, "refresh_sha256": made.sha256, "spent": spent})
    # Before the old one is spent: where no token can be signed now, a retry must not look like a thief.
    answer = await _answer(request, document, sid, session["expires_at_ms"], made.text, 200)
    if not await identity.vault.swap(LOGIN_SESSION, sid, raw, new):
        # Another request was quicker with the same token: two have it.
        await _end_reused(identity, document["account_id"], sid)
    return answer


def _short(digest: str) -> str:
    return digest[:32]


async def _refuse_other(identity: Identity, account_id: str, sid: str, given: str, spent: list[str]) -> None:
    """Raises. Only who shows a token that was once right ends the session; sids are no secret."""
    if any(credentials.same(_short(given), known) for known in spent):
        await _end_reused(identity, account_id, sid)
    raise Problem("bad-credential", OVER)


async def _end_reused(identity: Identity, account_id: str, sid: str) -> None:
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
