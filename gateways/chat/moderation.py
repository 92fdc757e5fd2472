"""What moderators do in a room, over HTTP: take messages away, pin them, sanction people, decide."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

from gateways.chat.acting import decided_act
from gateways.chat.context import Chat, chat_of
from gateways.chat.copies import authors_of, copy_of
from gateways.chat.crowd import require_account
from gateways.chat.desk_models import (
    Decision,
    Held,
    Purge,
    Queue,
    Removal,
    Reported,
    Sanctioned,
    Sanctions,
)
from gateways.chat.models import Done, Person, Sanction
from gateways.chat.opening import badge_of
from gateways.chat.rooms import account_id_in, known, message_id_in
from gateways.chat.said import Refused
from gateways.core.endpoint import body_of, json_response
from gateways.core.problem import Problem
from schemas.chat.views import DeskDocument, RoomDocument, SanctionView


async def remove(request: web.Request) -> web.Response:
    """Messages go: from live clients, recovery, history and the film's replay alike."""
    chat, room, body = chat_of(request), await known(request), body_of(request, Removal)
    try:
        messages = await authors_of(chat, room, list(dict.fromkeys(body.message_ids)))
    except Refused as unknown:
        raise Problem("not-found", unknown.detail, code=unknown.code) from unknown
    await decided_act(request, room, "RemovalRequested", {"messages": messages, "reason": body.reason}, "")
    return json_response(Done(id=room["room_id"]))


async def purge(request: web.Request) -> web.Response:
    """All of an account go."""
    room = await known(request)
    await decided_act(request, room, "PurgeRequested", body_of(request, Purge).model_dump(), "")
    return json_response(Done(id=room["room_id"]))


async def pin(request: web.Request) -> web.Response:
    """A message stands above the others."""
    chat, room, message_id = chat_of(request), await known(request), message_id_in(request)
    try:
        message = await copy_of(chat, room, message_id)
    except Refused as unknown:
        raise Problem("not-found", unknown.detail, code=unknown.code) from unknown
    data = {"message_id": message_id, "pinned": True, "message": message}
    await decided_act(request, room, "PinRequested", data, f"pin {message_id}")
    return json_response(Done(id=message_id))


async def unpin(request: web.Request) -> web.Response:
    """A message stands above the others no more."""
    room, message_id = await known(request), message_id_in(request)
    data = {"message_id": message_id, "pinned": False, "message": None}
    await decided_act(request, room, "PinRequested", data, f"unpin {message_id}")
    return json_response(Done(id=message_id))


async def sanction(request: web.Request) -> web.Response:
    """A timeout, a ban, a shadow ban, or their end."""
    room, body = await known(request), body_of(request, Sanction)
    if body.kind != "lift":
        await require_account(chat_of(request), body.account_id)
    await decided_act(request, room, "SanctionRequested", body.model_dump(), "")
    return json_response(Done(id=room["room_id"]))


async def lift(request: web.Request) -> web.Response:
    """The account may write again."""
    room, account_id = await known(request), account_id_in(request)
    whole = Sanction(account_id=account_id, kind="lift").model_dump()
    await decided_act(request, room, "SanctionRequested", whole, f"lift {account_id}")
    return json_response(Done(id=account_id))


async def sanctions(request: web.Request) -> web.Response:
    """All that stand now, but those of erased accounts."""
    chat, room = chat_of(request), await known(request)
    found = await chat.sanctions.all(room["room_id"])
    names = await chat.opener.people.there(found)
    items = [sanctioned(room, account_id, name, found[account_id]) for account_id, name in names.items()]
    items.sort(key=lambda item: item.at_ms, reverse=True)
    return json_response(Sanctions(items=items))


async def queue(request: web.Request) -> web.Response:
    """What waits for moderators."""
    chat, room = chat_of(request), await known(request)
    document = cast("DeskDocument | None", await (await chat.projections.pin(chat.desk)).get(room["room_id"]))
    if document is None:
        return json_response(Queue(held=[], reports=[]))
    held = await _opened(chat, room, list(document["held"].values()))
    reports = await _opened(chat, room, list(document["reports"].values()))
    said = chat.room_rules.said
    waiting = [
        {**each, "why": await said(room["room_id"], each["rule"], each["rules_version"])} for each in held
    ]
    return json_response(
        Queue(held=[Held(**each) for each in waiting], reports=[Reported(**each) for each in reports])
    )


async def decide(request: web.Request) -> web.Response:
    """Held messages come in or are not shown; reported ones stay or go."""
    room = await known(request)
    await decided_act(request, room, "ReviewDecided", body_of(request, Decision).model_dump(), "")
    return json_response(Done(id=room["room_id"]))


def sanctioned(room: RoomDocument, account_id: str, name: str | None, view: SanctionView) -> Sanctioned:
    """A sanction as moderators see it."""
    person = Person(id=account_id, name=name, badge=badge_of(room, account_id))
    return Sanctioned(account=person, **view)


async def _opened(chat: Chat, room: RoomDocument, views: list[Any]) -> list[dict[str, Any]]:
    messages = await chat.opener.messages(room, [view["message"] for view in views])
    return [
        {**view, "message": message}
        for view, message in zip(views, messages, strict=True)
        if message is not None
    ]
