"""Rooms over HTTP: opened, found, changed."""

from __future__ import annotations

import uuid
from typing import Any, cast

from aiohttp import web

from gateways.chat.access import may_moderate, may_read
from gateways.chat.asking import decided
from gateways.chat.context import Chat, chat_of
from gateways.chat.models import NewRoom, Room, RoomChange, Settings
from gateways.core.endpoint import ROUTE, body_of, json_response
from gateways.core.idempotency import idempotency_key, scoped_id
from gateways.core.owning import let_in
from gateways.core.permissions import CHAT_MODERATE
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import Problem
from schemas.chat.views import RoomDocument, is_room_id

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
    room_id = f"r-{request_id if idempotency_key(request) else uuid.uuid4().hex}"
    data = {
        "room_id": room_id,
        "asset_id": None,
        "owner_id": principal.owner_id,
        "actor_id": principal.actor,
        "settings": {**body.model_dump(), **FIRST_SETTINGS},
    }
    await decided(chat, "RoomRequested", data, request_id)
    return json_response(shown(await room_or_404(chat, principal, room_id), principal), status=201)


async def read(request: web.Request) -> web.Response:
    """One room."""
    return json_response(shown(await known(request), principal_of(request)))


async def change(request: web.Request) -> web.Response:
    """Other settings. What is so already changes nothing."""
    chat, principal, room = chat_of(request), principal_of(request), await known(request)
    data = {
        "room_id": room["room_id"],
        "actor_id": principal.actor,
        "privileged": principal.may(CHAT_MODERATE),
        **body_of(request, RoomChange).model_dump(),
    }
    await decided(chat, "RoomChangeRequested", data, scoped_id(request, f"room-change:{room['room_id']}"))
    return json_response(shown(await room_or_404(chat, principal, room["room_id"]), principal))


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
    return cast("RoomDocument | None", await (await chat.projections.pin(chat.rooms)).get(room_id))


def shown(room: RoomDocument, principal: Principal) -> Room:
    """The room as this caller sees it."""
    return Room(
        id=room["room_id"],
        asset_id=room["asset_id"],
        settings=Settings(**room["settings"]),
        moderators=room["moderators"],
        member_count=room["member_count"],
        follower_count=room["follower_count"],
        message_count=room["message_count"],
        reactions=room["reactions"],
        rules_version=room["rules_version"],
        created_at_ms=room["created_at_ms"],
        updated_at_ms=room["updated_at_ms"],
        may_moderate=may_moderate(principal, room),
    )
