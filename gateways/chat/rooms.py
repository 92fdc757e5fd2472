"""Rooms over HTTP: opened, found, changed."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Container
from typing import Any, Final, cast

from aiohttp import web

from gateways.chat.access import film_of_room, may_read
from gateways.chat.asking import decided
from gateways.chat.context import Chat, chat_of
from gateways.chat.models import NewRoom, Room, RoomChange, RoomPage, RoomsQuery, Settings
from gateways.chat.owners import with_owners
from gateways.chat.rights import may_moderate, privileged
from gateways.core.endpoint import ROUTE, body_of, json_response, query_of
from gateways.core.idempotency import scoped_id
from gateways.core.owning import let_in
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from gateways.core.projections import Cursor
from schemas.chat.titles import FIELDS
from schemas.chat.views import RECENT, RoomDocument, is_room_id, room_id_of_asset
from schemas.event import deterministic_id
from schemas.media.visibility import owner_of

_ID: Final = re.compile("[0-9a-f]{32}")
FIRST_SETTINGS: dict[str, Any] = {
    "read_only": False,
    "archived": False,
    "slow_mode_s": 0,
    "followers_min_s": 0,
    "hold_first_messages": 0,
    "report_threshold": 3,
    "report_action": "flag",
}


async def create(request: web.Request) -> web.Response:
    """Sent again with the same Idempotency-Key it is the same room."""
    chat, principal, body = chat_of(request), principal_of(request), body_of(request, NewRoom)
    request_id = scoped_id(request, "room")
    room_id = f"r-{request_id}"
    texts = {"title": body.title, "topic": body.topic}
    sealed = await chat.texts.sealed(room_id, None, principal.owner_id, texts)
    data = {
        "room_id": room_id,
        "asset_id": None,
        "owner_id": principal.owner_id,
        "actor_id": principal.actor,
        "settings": {**body.model_dump(), **FIRST_SETTINGS, **sealed},
    }
    await decided(chat, "RoomRequested", data, request_id)
    return json_response(await _one(chat, principal, await room_or_404(chat, principal, room_id)), status=201)


async def read(request: web.Request) -> web.Response:
    """One room."""
    return json_response(await _one(chat_of(request), principal_of(request), await known(request)))


async def index(request: web.Request) -> web.Response:
    """Rooms that the caller may read, the newest first."""
    chat, principal, query = chat_of(request), principal_of(request), query_of(request, RoomsQuery)
    view = await chat.projections.pin(chat.rooms)
    after = _decoded(query.cursor) if query.cursor else None
    members = await view.newest(RECENT, query.limit + 1, after)
    page = members[: query.limit]
    found = await view.get_many([m.key for m in page])
    there = [cast("RoomDocument", document) for document in found if document is not None]
    there = await with_owners(chat.projections, chat.library, there)
    readable = await asyncio.gather(*(may_read(chat, principal, room) for room in there))
    items = await shown(chat, [room for room, may in zip(there, readable, strict=True) if may], principal)
    more = f"{page[-1].score!r}:{page[-1].key}" if len(members) > len(page) else None
    return json_response(RoomPage(items=items, next_cursor=more))


async def of_asset(request: web.Request) -> web.Response:
    """The room of a film, opened when it is first asked for; it belongs to the film's owner."""
    chat, principal, asset_id = chat_of(request), principal_of(request), request.match_info["asset_id"]
    room_id = room_id_of_asset(asset_id)
    film = await film_of_room(chat, principal, asset_id) if is_room_id(room_id) else None
    if film is None:
        raise Problem("not-found", f"There is no asset {asset_id!r}, or you may not see it.")
    if await find_room(chat, room_id) is None:
        data = {
            "room_id": room_id,
            "asset_id": asset_id,
            "owner_id": owner_of(film),
            "actor_id": principal.actor,
            "settings": {
                "title": asset_id,  # so it is called as the film
                "topic": "",
                "access": "public",
                "mode": "open",
                **FIRST_SETTINGS,
            },
        }
        try:
            await decided(chat, "RoomRequested", data, deterministic_id("chat.asset-room", asset_id))
        except Problem as refusal:
            if refusal.members.get("code") != "room_exists":  # somebody was faster
                raise
    return json_response(await _one(chat, principal, await room_or_404(chat, principal, room_id)))


async def change(request: web.Request) -> web.Response:
    """Other settings. What is so already changes nothing."""
    chat, principal, room = chat_of(request), principal_of(request), await known(request)
    wish = body_of(request, RoomChange).model_dump()
    data = {
        "room_id": room["room_id"],
        "actor_id": principal.actor,
        "privileged": privileged(principal, room),
        **wish,
        **await _other_texts(chat, room, {name: wish[name] for name in FIELDS if wish[name] is not None}),
    }
    await decided(chat, "RoomChangeRequested", data, scoped_id(request, f"room-change:{room['room_id']}"))
    return json_response(await _one(chat, principal, await room_or_404(chat, principal, room["room_id"])))


async def _other_texts(chat: Chat, room: RoomDocument, texts: dict[str, str]) -> dict[str, str | None]:
    """Sealed those that are not so already, which the decider cannot tell: a text sealed again differs."""
    if not texts:
        return {}
    [now] = await chat.texts.open([room])
    other = {name: text for name, text in texts.items() if text != now[name]}
    where = room["room_id"], room["asset_id"], room["owner_id"]
    return {**dict.fromkeys(texts), **(await chat.texts.sealed(*where, other) if other else {})}


async def known(request: web.Request) -> RoomDocument:
    """The path's room, if the caller may read it and do what the route is for: else 404, or 403."""
    principal, route = principal_of(request), request[ROUTE]
    room = await room_or_404(chat_of(request), principal, request.match_info["room_id"])
    if route.owned and not may_moderate(principal, room):
        raise Problem("forbidden", "You do not moderate this room: ask its owner to make you a moderator.")
    let_in(request)
    return room


async def room_or_404(chat: Chat, principal: Principal, room_id: str) -> RoomDocument:
    """The room, if the caller may read it. Of others nothing is said."""
    room = await find_room(chat, room_id) if is_room_id(room_id) else None
    if room is None or not await may_read(chat, principal, room):
        raise Problem("not-found", f"There is no room {room_id!r}, or you may not read it.")
    return room


async def find_room(chat: Chat, room_id: str) -> RoomDocument | None:
    """The room's document, None if there is no such room."""
    document = await (await chat.projections.pin(chat.rooms)).get(room_id)
    if document is None:
        return None
    [room] = await with_owners(chat.projections, chat.library, [cast("RoomDocument", document)])
    return room


def message_id_in(request: web.Request) -> str:
    """The path's message. Problem 404 for what cannot be one."""
    return _id_in(request, "message_id", "message")


def account_id_in(request: web.Request) -> str:
    """The path's account. Problem 404 for what cannot be one."""
    return _id_in(request, "account_id", "account")


def _id_in(request: web.Request, name: str, what: str) -> str:
    found = request.match_info[name]
    if _ID.fullmatch(found) is None:
        raise Problem("not-found", f"There is no {what} {found!r}: ids are 32 hexadecimal digits.")
    return found


def _decoded(text: str) -> Cursor:
    score, _, key = text.partition(":")
    try:
        at = float(score)
    except ValueError:
        at = math.nan
    if not math.isfinite(at):  # nan and inf are numbers to Python, and none to Redis
        raise Problem("validation", "cursor: use one that a page before gave.")
    return Cursor(at, key)


async def _one(chat: Chat, principal: Principal, room: RoomDocument) -> Room:
    [shown_room] = await shown(chat, [room], principal)
    return shown_room


async def shown(chat: Chat, rooms: list[RoomDocument], principal: Principal) -> list[Room]:
    """The rooms as this caller sees them."""
    settings = await chat.texts.shown(rooms)
    there = await chat.opener.people.there({m for room in rooms for m in room["moderators"]})
    return [
        _shown(room, Settings(**opened), there, principal)
        for room, opened in zip(rooms, settings, strict=True)
    ]


def _shown(room: RoomDocument, settings: Settings, there: Container[str], principal: Principal) -> Room:
    return Room(
        id=room["room_id"],
        asset_id=room["asset_id"],
        settings=settings,
        moderators=[account_id for account_id in room["moderators"] if account_id in there],
        member_count=room["member_count"],
        follower_count=room["follower_count"],
        message_count=room["message_count"],
        reactions=room["reactions"],
        rules_version=room["rules_version"],
        created_at_ms=room["created_at_ms"],
        updated_at_ms=room["updated_at_ms"],
        may_moderate=may_moderate(principal, room),
    )
