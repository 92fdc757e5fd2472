"""Accounts as administrators handle them: open, invite, list, change, disable, erase."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from aiohttp import web

from gateways.core import cursors
from gateways.core.asking import undecided
from gateways.core.endpoint import body_of, json_response, query_of
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.core.projections import Cursor
from gateways.core.reasons import REASON
from gateways.identity import present
from gateways.identity.asking import account_or_404, ask, decided, find_account, sealed
from gateways.identity.book import normal
from gateways.identity.context import ADDRESS_REQUESTS, identity_of
from gateways.identity.links import Issued, issue
from gateways.identity.me import erased
from gateways.identity.models import (
    ErasureQuery,
    Invitation,
    LinkWish,
    NewUser,
    OneTimeLink,
    UserChange,
    UserPage,
    UsersQuery,
)
from gateways.identity.passwords import check
from gateways.identity.rights import known_roles, must_hold
from schemas.event import deterministic_id
from schemas.identity.views import RECENT, AccountDocument
from streams.core.vault import PASSWORD


async def create(request: web.Request) -> web.Response:
    """An account with a password that its owner ought to change."""
    identity, body = identity_of(request), body_of(request, NewUser)
    wish = await _wished(request, body)
    document = wish.document
    if document is None:
        password = body.password.get_secret_value()
        check(password, wish.address)
        hashed = await identity.passwords.hash(password)
        await identity.vault.put(PASSWORD, wish.account_id, hashed, subject=wish.account_id, if_absent=True)
        document = await _opened(request, wish, body, None)
    [user] = await present.users(identity, [document])
    return json_response(user, 201)


async def invite(request: web.Request) -> web.Response:
    body = body_of(request, Invitation)
    wish = await _wished(request, body)
    document = wish.document
    issued = await issue(identity_of(request), wish.account_id, wish.request_id, create=document is None)
    if document is None:
        document = await _opened(request, wish, body, issued)
    _must_have(document, issued)
    return json_response(OneTimeLink(account_id=wish.account_id, **issued.shown()), 201)


class Wish(NamedTuple):
    """An account that may be opened, as far as can be told beforehand."""

    address: str
    address_hmac: str
    account_id: str
    request_id: str
    roles: list[str]
    document: AccountDocument | None  # of the account, if this is a retry: nothing is to be opened


async def _wished(request: web.Request, body: NewUser | Invitation) -> Wish:
    """Raises the problems that can be known before anything is written."""
    identity = identity_of(request)
    address, roles = normal(body.email), known_roles(body.roles)
    must_hold(principal_of(request), roles)
    address_hmac = await identity.book.hmac(address)
    # The address is part of the id: the same Idempotency-Key for another address is another account.
    request_id = scoped_id(request, f"open:{address_hmac}")
    account_id = deterministic_id("account", request_id)
    view = await identity.projections.pin(identity.addresses)
    owner = await view.get(address_hmac)
    if owner is not None and owner["account_id"] != account_id:
        raise Problem(
            "conflict",
            "There is an account with this address already: choose another, or change that one.",
            code="address_taken",
        )
    accounts = await identity.projections.pin(identity.accounts)
    document = cast("AccountDocument | None", await accounts.get(account_id))
    if document is not None and document["state"] == "erased":
        raise Problem("idempotency-key-reused", "This account was erased since; send a new Idempotency-Key.")
    return Wish(address, address_hmac, account_id, request_id, roles, document)


async def _opened(
    request: web.Request, wish: Wish, body: NewUser | Invitation, issued: Issued | None
) -> AccountDocument:
    """Claim the address for the new account and wait until the account is there."""
    identity, account_id = identity_of(request), wish.account_id
    data = {
        "address_hmac": wish.address_hmac,
        "account_id": account_id,
        "email_sealed": await sealed(identity, account_id, present.EMAIL, wish.address, create=True),
        "display_name_sealed": await sealed(identity, account_id, present.DISPLAY_NAME, body.display_name),
        "roles": wish.roles,
        "link_id": issued.link_id if issued is not None else None,
        "link_expires_at_ms": issued.expires_at_ms if issued is not None else None,
        "actor": principal_of(request).actor,
        "reason_sealed": await sealed(identity, account_id, REASON, body.reason),
    }
    await decided(
        identity, identity.addresses, ADDRESS_REQUESTS, wish.address_hmac,
        "kinolog.identity.AddressClaimed", data, wish.request_id,
    )  # fmt: skip

    def known(document: dict[str, Any]) -> bool:
        # An account and its link are two events, so one may be there without the other.
        return document["state"] != "invited" or bool(document["links"])

    view = await identity.projections.pin(identity.accounts)
    document = await view.await_document(account_id, known, identity.waits.outcome_s)
    if document is None:
        raise undecided()
    return cast("AccountDocument", document)


async def reset_link(request: web.Request) -> web.Response:
    """A link that sets another password; for an account that still waits, a new invitation."""
    identity, body = identity_of(request), body_of(request, LinkWish)
    document = await _theirs(request)
    account_id = document["account_id"]
    request_id = scoped_id(request, f"link:{account_id}")
    reason = await sealed(identity, account_id, REASON, body.reason)
    issued = await issue(identity, account_id, request_id, create=False)
    data = {
        "link_id": issued.link_id,
        "expires_at_ms": issued.expires_at_ms,
        "actor": principal_of(request).actor,
        "reason_sealed": reason,
    }
    await ask(identity, account_id, "LinkRequested", data, request_id)
    _must_have(await account_or_404(identity, account_id), issued)
    return json_response(OneTimeLink(account_id=account_id, **issued.shown()), 201)


def _must_have(document: AccountDocument, issued: Issued) -> None:
    """Problem 409 for a retry whose link has had its time: what would be shown opens nothing."""
    if issued.link_id not in document["links"]:
        raise Problem("conflict", "This link was redeemed or replaced; send a new Idempotency-Key.")


async def _theirs(request: web.Request) -> AccountDocument:
    """The path's account, if it may not do more than the caller."""
    document = await account_or_404(identity_of(request), request.match_info["account_id"])
    must_hold(principal_of(request), document["roles"])
    return document


async def show(request: web.Request) -> web.Response:
    identity = identity_of(request)
    [user] = await present.users(identity, [await account_or_404(identity, request.match_info["account_id"])])
    return json_response(user)


async def list_users(request: web.Request) -> web.Response:
    identity, query = identity_of(request), query_of(request, UsersQuery)
    view = await identity.projections.pin(identity.accounts)
    after = Cursor(*cursors.decode(query.cursor)) if query.cursor else None
    found = await view.newest(RECENT, query.limit + 1, after)
    page = found[: query.limit]
    documents: list[Any] = await view.get_many([item.key for item in page])
    living = [d for d in documents if d is not None and d["state"] != "erased"]
    more = len(found) > len(page)
    cursor = cursors.encode(int(page[-1].score), page[-1].key) if more else None
    return json_response(UserPage(items=await present.users(identity, living), next_cursor=cursor))


async def change(request: web.Request) -> web.Response:
    identity, body = identity_of(request), body_of(request, UserChange)
    principal, account_id = principal_of(request), (await _theirs(request))["account_id"]
    roles = None if body.roles is None else known_roles(body.roles)
    if roles is not None:
        must_hold(principal, roles)
    data = {
        "roles": roles,
        "disabled": body.disabled,
        "actor": principal.actor,
        "reason_sealed": await sealed(identity, account_id, REASON, body.reason),
    }
    await ask(
        identity, account_id, "AccountChangeRequested", data, scoped_id(request, f"change:{account_id}")
    )
    return await show(request)


async def erase(request: web.Request) -> web.Response:
    """For ever."""
    document, query = await _theirs(request), query_of(request, ErasureQuery)
    heir_id = await _heir(request, query, document["account_id"])
    accepted = await erased(request, document["account_id"], query.reason, query.films, heir_id)
    return json_response(accepted, 202)


async def _heir(request: web.Request, query: ErasureQuery, account_id: str) -> str | None:
    """Whose the films are to be; None: nobody's, they are deleted. Problem 422 where that cannot be."""
    if query.films != "transfer":
        if query.heir_id is not None:
            raise Problem("validation", "heir_id: this goes with films=transfer only.")
        return None
    heir_id = query.heir_id
    if heir_id is None:  # nobody should get films by leaving a word out: it cannot be taken back
        raise Problem("validation", "heir_id: say which account gets the films.")
    heir = await find_account(identity_of(request), heir_id)
    if heir_id == account_id or heir is None or heir["state"] != "active":
        raise Problem("validation", "heir_id: choose another account, one that is active.")
    return heir_id
