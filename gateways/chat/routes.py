"""Every route of the chat service that reads or writes messages; `desk_routes` has the moderators'."""

from __future__ import annotations

from typing import Any, Final

from gateways.chat import blocks, listening, messages, models, rooms
from gateways.chat.conversation import talk
from gateways.chat.desk_routes import DESK_ROUTES
from gateways.chat.waiting import waiting
from gateways.core.gated import gated
from gateways.core.permissions import CHAT_MODERATE, CHAT_WRITE, PUBLIC, ROOMS_WRITE
from gateways.core.rates import MESSAGE, ROOM
from gateways.core.routes import Route
from gateways.core.sse import EVENT_STREAM

_ROOM: Final = "/v1/rooms/{room_id}"
_ACT: Final = ("not-found", "conflict", "unavailable")


def _public(path: str, handler: Any, summary: str, response: Any, **more: Any) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        permission=PUBLIC,
        summary=summary,
        response=response,
        **more,
    )


def _write(method: str, path: str, handler: Any, summary: str, **more: Any) -> Route:
    return Route(
        method=method, path=path, handler=handler, permission=CHAT_WRITE, summary=summary, limits=MESSAGE,
        problems=_ACT, tag="messages", **more,
    )  # fmt: skip


_ROOMS: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/socket",
        handler=gated(talk),
        permission=PUBLIC,
        summary="Listen to rooms and write into them (WebSocket)",
        status=101,
        timeout_s=None,
        socket=True,
        problems=("malformed-request", "overloaded"),
        tag="rooms",
    ),
    _public(
        "/v1/rooms", rooms.index, "Rooms, the newest first", models.RoomPage, query=models.RoomsQuery,
        problems=("unavailable",), tag="rooms",
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
        limits=ROOM,
        tag="rooms",
    ),
    _public(
        "/v1/assets/{asset_id}/room", rooms.of_asset, "The room of a film", models.Room,
        problems=_ACT, tag="rooms",
    ),
    _public(_ROOM, rooms.read, "A room and its settings", models.Room, problems=("not-found",), tag="rooms"),
    Route(
        method="PATCH",
        path=_ROOM,
        handler=rooms.change,
        permission=CHAT_MODERATE,
        owned=True,
        summary="Change a room's settings",
        response=models.Room,
        body=models.RoomChange,
        problems=_ACT,
        tag="rooms",
    ),
    Route(
        method="GET",
        path="/v1/blocks",
        handler=blocks.read,
        permission=CHAT_WRITE,
        summary="Whom the caller wants to read nothing of",
        response=models.Blocks,
        problems=("conflict", "unavailable"),
        tag="rooms",
    ),
    _write("PUT", "/v1/blocks/{account_id}", blocks.block, "Read nothing of somebody", response=models.Done),
    _write("DELETE", "/v1/blocks/{account_id}", blocks.unblock, "Read it again", response=models.Done),
    _write("PUT", f"{_ROOM}/following", messages.follow, "Follow a room", response=models.Done),
    _write("DELETE", f"{_ROOM}/following", messages.unfollow, "Leave a room", response=models.Done),
)  # fmt: skip
_MESSAGES: Final[tuple[Route, ...]] = (
    _public(
        f"{_ROOM}/messages", messages.page, "A room's messages, or those with some words",
        models.MessagePage, query=models.MessagesQuery, problems=("not-found", "unavailable"), tag="messages",
    ),
    _write(
        "POST", f"{_ROOM}/messages", messages.create, "Write into a room", status=201,
        response=models.MessageSent, body=models.NewMessage,
    ),
    _write(
        "PATCH", f"{_ROOM}/messages/{{message_id}}", messages.change, "Give a message another text",
        response=models.MessageSent, body=models.NewText,
    ),
    _write(
        "DELETE", f"{_ROOM}/messages/{{message_id}}", messages.delete, "Remove a message",
        response=models.Done,
    ),
    _write(
        "POST", f"{_ROOM}/messages/{{message_id}}/reports", messages.report, "Report a message",
        status=201, response=models.Done, body=models.Report,
    ),
    _write(
        "POST", f"{_ROOM}/reactions", messages.react, "React to a message, or to the moment", status=202,
        response=models.Done, body=models.Reaction,
    ),
    _public(
        f"{_ROOM}/pins", messages.pins, "What is pinned", models.Messages,
        problems=("not-found", "unavailable"), tag="messages",
    ),
    Route(
        method="GET", path=f"{_ROOM}/waiting", handler=waiting, permission=CHAT_WRITE,
        summary="The caller's messages that wait for a moderator", response=models.Waiting,
        problems=("not-found", "unavailable"), tag="messages",
    ),
    _public(
        f"{_ROOM}/replay", messages.replay, "What was said at a place of the film", models.ReplayPage,
        query=models.ReplayQuery, problems=("not-found", "unavailable"), tag="messages",
    ),
    _public(
        f"{_ROOM}/events", listening.events, "Listen to a room (server-sent events)", None,
        response_type=EVENT_STREAM, timeout_s=None, problems=("not-found", "unavailable"), tag="messages",
    ),
)  # fmt: skip
ROUTES: Final[tuple[Route, ...]] = (*_ROOMS, *_MESSAGES, *DESK_ROUTES)
