"""What somebody wrote into a room and a moderator has not decided on: for the author alone."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from gateways.chat.context import chat_of
from gateways.chat.models import Waiting, WaitingMessage
from gateways.chat.rooms import known
from gateways.core.endpoint import json_response
from gateways.core.principal import principal_of
from schemas.chat.views import DeskDocument


async def waiting(request: web.Request) -> web.Response:
    """The oldest first. Why each waits is not said: who knows the rules writes around them."""
    chat, room, me = chat_of(request), await known(request), principal_of(request).owner_id
    document = cast("DeskDocument | None", await (await chat.projections.pin(chat.desk)).get(room["room_id"]))
    held = document["held"].values() if document is not None else ()
    mine = [each for each in held if each["message"]["account_id"] == me]
    messages = await chat.opener.messages(room, [each["message"] for each in mine])
    items = [
        WaitingMessage.model_validate(
            {"message": message, "edit": each["edit"], "held_at_ms": each["held_at_ms"]}
        )
        for each, message in zip(mine, messages, strict=True)
        if message is not None
    ]
    return json_response(Waiting(items=items))
