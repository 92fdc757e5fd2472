"""Messages over HTTP: read page by page, searched, replayed; written by programs that keep no connection."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import nullcontext
from typing import TypeVar

from aiohttp import web

from gateways.chat import history
from gateways.chat.acting import act, decided_act
from gateways.chat.asking import conflict
from gateways.chat.blocks import without_blocked
from gateways.chat.context import Chat, chat_of
from gateways.chat.copies import authors_of, copy_of
from gateways.chat.feeds import RoomAway
from gateways.chat.models import (
    Done,
    Message,
    MessagePage,
    Messages,
    MessageSent,
    MessagesQuery,
    NewMessage,
    NewText,
    Reaction,
    ReplayPage,
    ReplayQuery,
    Report,
)
from gateways.chat.replay import said_at
from gateways.chat.rooms import known, message_id_in
from gateways.chat.said import Refused
from gateways.chat.sending import edit, send, sender_of
from gateways.core.endpoint import body_of, json_response, query_of
from gateways.core.principal import principal_of
from gateways.core.problem import Problem, retry_later
from schemas.chat.views import RoomDocument

Found = TypeVar("Found")


async def page(request: web.Request) -> web.Response:
    """The newest, those before or after an id, or those that hold some words."""
    chat, query, room = chat_of(request), query_of(request, MessagesQuery), await known(request)
    me = principal_of(request).account_id
    if query.q is not None:
        found = await _here(history.search(chat, room, me, query.q, query.before, query.limit))
    elif query.after is not None:
        if query.before is not None:
            raise Problem("validation", "Give before or after, not both.")
        found = await _here(history.newer(chat, room, me, query.after, query.limit))
    else:
        found = await _here(history.older(chat, room, me, query.before, query.limit))
    items = [Message(**message) for message in await without_blocked(chat, me, found.items)]
    return json_response(MessagePage(items=items, before=found.before, after=found.after))


async def replay(request: web.Request) -> web.Response:
    """What was said while the film was there."""
    chat, query, room = chat_of(request), query_of(request, ReplayQuery), await known(request)
    me = principal_of(request).account_id
    items, then = await _here(said_at(chat, room, me, query.from_ms, query.to_ms, query.limit))
    shown = [Message(**message) for message in await without_blocked(chat, me, items)]
    return json_response(ReplayPage(items=shown, next_from_ms=then))


async def pins(request: web.Request) -> web.Response:
    """What stands above the others, the newest last."""
    chat, room = chat_of(request), await known(request)
    me = principal_of(request).account_id
    pinned = [pin["message"]["message_id"] for pin in room["pinned"]]
    shown = await without_blocked(chat, me, await _here(history.among(chat, room, me, pinned)))
    return json_response(Messages(items=[Message(**message) for message in shown]))


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


async def change(request: web.Request) -> web.Response:
    """Another text of a message of one's own."""
    chat, body, room = chat_of(request), body_of(request, NewText), await known(request)
    message_id = message_id_in(request)
    try:
        done = await edit(chat, room, sender_of(request), nullcontext(), message_id, body.text, body.mentions)
    except Refused as no:
        raise conflict(no) from no
    return json_response(MessageSent(message_id=message_id, id=done.delta_id, state=done.state))


async def delete(request: web.Request) -> web.Response:
    """A message of one's own, or anybody's where one moderates."""
    chat, room = chat_of(request), await known(request)
    message_id = message_id_in(request)
    try:
        messages = await authors_of(chat, room, [message_id])
    except Refused as unknown:
        raise Problem("not-found", unknown.detail, code=unknown.code) from unknown
    await decided_act(request, room, "RemovalRequested", {"messages": messages, "reason": ""}, message_id)
    return json_response(Done(id=message_id))


async def report(request: web.Request) -> web.Response:
    """A message that moderators should look at. Told again by the same account it changes nothing."""
    chat, body, room = chat_of(request), body_of(request, Report), await known(request)
    message_id = message_id_in(request)
    sender = sender_of(request)
    try:
        data = {
            "account_id": sender.account_id,
            "reason": body.reason,
            "message": await copy_of(chat, room, message_id),
        }
    except Refused as no:
        if no.code != "message_unknown":
            raise conflict(no) from no
        # Also of one that its author alone sees: who is shadow-banned learns of it nowhere.
        if await _wrote(chat, room, sender.account_id, message_id):
            own = "You wrote this message yourself: remove it instead."
            raise Problem("conflict", own, code="own_message") from no
        raise Problem("not-found", no.detail, code=no.code) from no
    await decided_act(request, room, "ReportSubmitted", data, message_id, with_actor=False)
    return json_response(Done(id=message_id), 201)


async def _wrote(chat: Chat, room: RoomDocument, account_id: str, message_id: str) -> bool:
    """Whether a message that not everybody sees is this account's own."""
    try:
        [found] = await authors_of(chat, room, [message_id])
    except Refused:
        return False
    return found["account_id"] == account_id


async def react(request: web.Request) -> web.Response:
    """Counted with those of others; there is no outcome to wait for."""
    chat, body, room = chat_of(request), body_of(request, Reaction), await known(request)
    try:
        account_id = sender_of(request).account_id
    except Refused as no:
        raise conflict(no) from no
    if not await chat.sanctions.silenced(room["room_id"], account_id):
        chat.reactions.give(room["room_id"], body.message_id, body.reaction)
    return json_response(Done(id=room["room_id"]), 202)


async def follow(request: web.Request) -> web.Response:
    """Become a follower."""
    return await _follow(request, added=True)


async def unfollow(request: web.Request) -> web.Response:
    """Be a follower, or a member, no more."""
    return await _follow(request, added=False)


async def _follow(request: web.Request, *, added: bool) -> web.Response:
    room = await known(request)
    data = {**act(request, room), "kind": "follower", "added": added}
    try:
        data["account_ids"] = [sender_of(request).account_id]
    except Refused as no:
        raise conflict(no) from no
    await decided_act(request, room, "MembersChangeRequested", data, "following")
    return json_response(Done(id=room["room_id"]))


async def _here(finding: Awaitable[Found]) -> Found:
    try:
        return await finding
    except RoomAway as away:
        raise retry_later("unavailable", "The room cannot be read now; try again.") from away
