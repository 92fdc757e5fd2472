"""Whom somebody wants to read nothing of: their own list, for every room and device.

It hides and forbids nothing. What rooms write to their clients is one frame for all, so a client leaves out
blocked authors itself: it is told the list when it connects; what is read over HTTP leaves them out already.
"""

from __future__ import annotations

from typing import Any, Final, cast

from aiohttp import web

from gateways.chat.context import Chat, chat_of
from gateways.chat.models import Blocks, Done
from gateways.chat.rooms import account_id_in
from gateways.core.asking import outcome_of, publish
from gateways.core.endpoint import json_response
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from schemas.chat.events import BLOCK_REQUESTED
from schemas.chat.views import BLOCK_REQUESTS, BlocksDocument

WAIT_S: Final = 8.0


async def blocked_by(chat: Chat, account_id: str | None) -> list[str]:
    """The list of an account; nobody's is empty. Raises RedisError, OSError."""
    if account_id is None:
        return []
    view = await chat.projections.pin(chat.accounts)
    document = cast("BlocksDocument | None", await view.get(account_id))
    return [] if document is None else document["blocked_ids"]


async def without_blocked(
    chat: Chat, account_id: str | None, messages: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What its owner wants to read of these."""
    blocked = frozenset(await blocked_by(chat, account_id))
    return [message for message in messages if message["author"]["id"] not in blocked]


async def shown_blocks(chat: Chat, account_id: str | None) -> list[str]:
    """The list as its owner sees it, without erased accounts. Raises as `blocked_by`."""
    return list(await chat.opener.people.there(await blocked_by(chat, account_id)))


async def read(request: web.Request) -> web.Response:
    """The caller's list."""
    return json_response(Blocks(account_ids=await shown_blocks(chat_of(request), _own(request))))


async def block(request: web.Request) -> web.Response:
    """One more."""
    return await _ask(request, blocked=True)


async def unblock(request: web.Request) -> web.Response:
    """One less."""
    return await _ask(request, blocked=False)


async def _ask(request: web.Request, *, blocked: bool) -> web.Response:
    chat, account_id, other = chat_of(request), _own(request), account_id_in(request)
    request_id = scoped_id(request, f"block:{other}:{blocked}")
    data = {"account_id": account_id, "blocked_id": other, "blocked": blocked}
    await publish(chat.producer, BLOCK_REQUESTS, account_id, BLOCK_REQUESTED, data, request_id)
    await outcome_of(await chat.projections.pin(chat.accounts), account_id, request_id, WAIT_S)
    return json_response(Done(id=other))


def _own(request: web.Request) -> str:
    account_id = principal_of(request).account_id
    if account_id is None:
        raise Problem("conflict", "Sign in with an account: this credential is nobody's.", code="no_account")
    return account_id
