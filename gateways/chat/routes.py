"""Every route of the chat service."""

from __future__ import annotations

from typing import Final

from gateways.chat import messages, models, moderation, rooms
from gateways.chat.conversation import talk
from gateways.core.permissions import CHAT_MODERATE, CHAT_WRITE, PUBLIC, ROOMS_WRITE
from gateways.core.rates import MESSAGE
from gateways.core.routes import Route
from gateways.core.sockets import gated

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/socket",
        handler=gated(talk),
        permission=PUBLIC,
        summary="Listen to rooms and write into them (WebSocket)",
        status=101,
        timeout_s=None,
        socket=True,
        tag="rooms",
    ),
    Route(
        method="POST",
        path="/v1/rooms",
        handler=rooms.create,
        permission=ROOMS_WRITE,
        summary="Open a room",
        status=201,
        response=models.Room,
        body=models.NewRoom,
        problems=("conflict", "unavailable"),
        tag="rooms",
    ),
    Route(
        method="GET",
        path="/v1/rooms/{room_id}",
        handler=rooms.read,
        permission=PUBLIC,
        summary="A room and its settings",
        response=models.Room,
        problems=("not-found",),
        tag="rooms",
    ),
    Route(
        method="PATCH",
        path="/v1/rooms/{room_id}",
        handler=rooms.change,
        permission=CHAT_MODERATE,
        owned=True,
        summary="Change a room's settings",
        response=models.Room,
        body=models.RoomChange,
        problems=("not-found", "conflict", "unavailable"),
        tag="rooms",
    ),
    Route(
        method="POST",
        path="/v1/rooms/{room_id}/messages",
        handler=messages.create,
        permission=CHAT_WRITE,
        limits=MESSAGE,
        summary="Write into a room",
        status=201,
        response=models.MessageSent,
        body=models.NewMessage,
        problems=("not-found", "conflict", "unavailable"),
        tag="messages",
    ),
    Route(
        method="POST",
        path="/v1/rooms/{room_id}/sanctions",
        handler=moderation.sanction,
        permission=CHAT_MODERATE,
        owned=True,
        summary="Time out, ban or shadow-ban an account, or end that",
        response=models.Done,
        body=models.Sanction,
        problems=("not-found", "conflict", "unavailable"),
        tag="moderation",
    ),
)
