"""One-time links: an invitation's first password, or another one after the old was forgotten.

A link works while the vault has its hash and the account knows of it. The password that it is redeemed with
is kept under the link's id by whoever comes first, so of two people with the same link one wins, and a retry
of the winner goes on where it was cut off. It counts from the event on that says so: until then the password
of before does.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import orjson
from aiohttp import web

from gateways.core.asking import undecided
from gateways.core.endpoint import body_of, json_response
from gateways.core.problem import Problem
from gateways.identity import credentials, present
from gateways.identity.asking import ask, find_account, opened, sealed
from gateways.identity.context import Identity, identity_of
from gateways.identity.keeping import keep
from gateways.identity.models import Redeemed, Redemption
from gateways.identity.passwords import check
from schemas.event import deterministic_id
from streams.core.vault import ONE_TIME_LINK, PASSWORD

LASTS_S: Final = 3 * 86_400
RETRY_MS: Final = 600_000
SPENT: Final = "This link has been used, is too old, or was never given out; ask for a new one."


class Issued(NamedTuple):
    """A link whose hash is in the vault; the log does not speak of it yet."""

    link_id: str
    text: str
    expires_at_ms: int

    def shown(self) -> dict[str, Any]:
        """What the answer tells of it."""
        return {"token": self.text, "expires_at_ms": self.expires_at_ms}


async def issue(identity: Identity, account_id: str, request_id: str, *, create: bool) -> Issued:
    """Put a new link into the vault. A retry with the same `request_id` replaces the lost one's secret.

    `create`: for an account that is about to be made.
    """
    link_id = deterministic_id("link", request_id)
    made = credentials.make(credentials.LINK, link_id)
    before = await identity.vault.get(ONE_TIME_LINK, link_id)
    now_ms = identity.now_ms()
    entry: dict[str, Any] = {"made_at_ms": now_ms}
    if before is not None:
        entry = orjson.loads(before)
    if await identity.vault.get(PASSWORD, link_id) is not None:
        raise Problem("conflict", "This link was redeemed; send a new Idempotency-Key.")
    if entry["made_at_ms"] + RETRY_MS < now_ms:
        raise Problem("idempotency-key-reused", "This link was made before; send a new Idempotency-Key.")
    entry |= {"account_id": account_id, "sha256": made.sha256}
    kept = await identity.vault.put(
        ONE_TIME_LINK, link_id, orjson.dumps(entry), subject=account_id, expires_in_s=LASTS_S,
        if_subject_known=not create,
    )  # fmt: skip
    if not kept:
        raise Problem("conflict", "The account is being erased.")
    return Issued(link_id, made.text, entry["made_at_ms"] + LASTS_S * 1000)


async def redeem(request: web.Request) -> web.Response:
    identity, body = identity_of(request), body_of(request, Redemption)
    text, password = body.token.get_secret_value(), body.password.get_secret_value()
    link_id = credentials.entry_of(credentials.LINK, text)
    raw = await identity.vault.get(ONE_TIME_LINK, link_id) if link_id is not None else None
    if link_id is None or raw is None:
        raise Problem("bad-credential", SPENT)
    entry: dict[str, Any] = orjson.loads(raw)
    if not credentials.same(credentials.digest(text), entry["sha256"]):
        raise Problem("bad-credential", SPENT)
    account_id = entry["account_id"]
    document = await find_account(identity, account_id)
    if document is None:
        # The vault forgets the links of who is erased: what it still has was given out, and is not shown yet.
        raise undecided()
    link = document["links"].get(link_id)
    if link is None or link["expires_at_ms"] <= identity.now_ms():
        raise Problem("bad-credential", SPENT)
    [address] = await opened(identity, [(account_id, present.EMAIL, document["email_sealed"])])
    check(password, address)
    if not await keep(identity, account_id, link_id, password):
        raise Problem("bad-credential", SPENT)
    name = await sealed(identity, account_id, present.DISPLAY_NAME, body.display_name)
    data = {"link_id": link_id, "password_id": link_id, "display_name_sealed": name}
    try:
        await ask(identity, account_id, "LinkRedeemed", data, deterministic_id("redeem", link_id))
    except Problem as problem:
        if problem.members.get("code") is not None:
            # Refused: another link took its place at this very moment, and this one opens nothing after all.
            await identity.vault.delete(PASSWORD, link_id)
        raise
    return json_response(Redeemed(account_id=account_id), 201)
