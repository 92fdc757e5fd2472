"""How handlers change anything: a request on the log, then a bounded wait for what became of it."""

from __future__ import annotations

import base64
from typing import Any, cast

from gateways.core.asking import outcome_of, publish
from gateways.core.problem import Problem
from gateways.core.projections import Projection
from gateways.identity.context import ACCOUNT_REQUESTS, Identity
from schemas.identity.views import AccountDocument


async def ask(identity: Identity, account_id: str, name: str, data: dict[str, Any], request_id: str) -> None:
    """Put kinolog.identity.<name> on the log and wait until the account's projection has its outcome.

    Problem 409 with the decider's code if it was refused, 503 if nothing is known in time: a retry with the
    same `request_id` is the same request. One that was decided before passes; whether it was refused then,
    only the account tells.
    """
    full = {"account_id": account_id, **data}
    await decided(
        identity,
        identity.accounts,
        ACCOUNT_REQUESTS,
        account_id,
        f"kinolog.identity.{name}",
        full,
        request_id,
    )


async def decided(
    identity: Identity,
    projection: Projection,
    topic: str,
    key: str,
    type_name: str,
    data: dict[str, Any],
    request_id: str,
) -> dict[str, Any]:
    """The outcome of one request on any aggregate; problems as for `ask`."""
    view = await identity.projections.pin(projection)
    await publish(identity.producer, topic, key, type_name, data, request_id, identity.waits.publish_s)
    return await outcome_of(view, key, request_id, identity.waits.outcome_s)


async def find_account(identity: Identity, account_id: str) -> AccountDocument | None:
    """The account's document, unless there is none or it is erased."""
    view = await identity.projections.pin(identity.accounts)
    document = cast("AccountDocument | None", await view.get(account_id))
    return None if document is None or document["state"] == "erased" else document


async def account_or_404(identity: Identity, account_id: str) -> AccountDocument:
    """The account's document; Problem 404 if there is none or it is erased."""
    document = await find_account(identity, account_id)
    if document is None:
        raise Problem("not-found", f"There is no account {account_id}; GET /v1/users lists those there are.")
    return document


async def sealed(
    identity: Identity, account_id: str, field: str, text: str | None, *, create: bool = False
) -> str | None:
    """A text as events carry it: base64 of what the account's key made of it."""
    if text is None:
        return None
    raw = await identity.sealer.seal(account_id, field, text, create=create)
    return base64.b64encode(raw).decode()


async def opened(identity: Identity, items: list[tuple[str, str, str | None]]) -> list[str | None]:
    """The texts behind (account id, field, sealed); None for none, and for people who were forgotten."""
    asked = [(a, f, base64.b64decode(s)) for a, f, s in items if s is not None]
    texts = iter(await identity.sealer.open_many(asked))
    return [None if s is None else next(texts) for _, _, s in items]
