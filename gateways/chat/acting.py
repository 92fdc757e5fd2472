"""Who acts, as requests to a room's decider name them, and what became of such a request."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateways.chat.asking import decided
from gateways.chat.context import chat_of
from gateways.chat.rights import privileged
from gateways.core.idempotency import scoped_id
from gateways.core.principal import principal_of
from schemas.chat.views import RoomDocument


def act(request: web.Request, room: RoomDocument) -> dict[str, Any]:
    """The caller, and whether they may moderate this room as if it were theirs."""
    principal = principal_of(request)
    return {
        "room_id": room["room_id"],
        "actor_id": principal.actor,
        "privileged": privileged(principal, room),
    }


async def decided_act(
    request: web.Request,
    room: RoomDocument,
    name: str,
    data: dict[str, Any],
    what: str,
    *,
    with_actor: bool = True,
) -> dict[str, Any]:
    """Ask for kinolog.chat.<name> and wait for its outcome; with the same Idempotency-Key it is the same.

    `what` in the room it is about. `with_actor`: the event names who acts. Raises Problem 409, 503.
    """
    full = {**act(request, room), **data} if with_actor else {"room_id": room["room_id"], **data}
    request_id = scoped_id(request, f"{name}:{room['room_id']}:{what}")
    return await decided(chat_of(request), name, full, request_id)
