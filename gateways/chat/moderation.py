"""What moderators do in a room, over HTTP."""

from __future__ import annotations

from aiohttp import web

from gateways.chat.asking import decided
from gateways.chat.context import chat_of
from gateways.chat.models import Done, Sanction
from gateways.chat.rooms import known
from gateways.core.endpoint import body_of, json_response
from gateways.core.idempotency import scoped_id
from gateways.core.permissions import CHAT_MODERATE
from gateways.core.principal import principal_of


async def sanction(request: web.Request) -> web.Response:
    """A timeout, a ban, a shadow ban, or their end."""
    principal, room = principal_of(request), await known(request)
    data = {
        "room_id": room["room_id"],
        "actor_id": principal.actor,
        "privileged": principal.may(CHAT_MODERATE),
        **body_of(request, Sanction).model_dump(),
    }
    request_id = scoped_id(request, f"sanction:{room['room_id']}")
    await decided(chat_of(request), "SanctionRequested", data, request_id)
    return json_response(Done(id=room["room_id"]))
