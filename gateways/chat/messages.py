"""Messages over HTTP: for programs that keep no connection."""

from __future__ import annotations

from contextlib import nullcontext

from aiohttp import web

from gateways.chat.asking import conflict
from gateways.chat.context import chat_of
from gateways.chat.models import MessageSent, NewMessage
from gateways.chat.rooms import known
from gateways.chat.said import Refused
from gateways.chat.sending import send, sender_of
from gateways.core.endpoint import body_of, json_response


async def create(request: web.Request) -> web.Response:
    """A message; sent again with the same client_id it is the same one."""
    chat, body, room = chat_of(request), body_of(request, NewMessage), await known(request)
    try:
        sent = await send(
            chat, room, sender_of(request), nullcontext(), body.client_id, body.text,
            reply_to=body.reply_to, media_ms=body.media_ms, mentions=body.mentions,
        )  # fmt: skip
    except Refused as no:
        raise conflict(no) from no
    return json_response(MessageSent(message_id=sent.message_id, id=sent.delta_id, state=sent.state), 201)
