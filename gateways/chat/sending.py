"""A message on its way to the log: cleaned, screened by the room's rules, sealed, and put to its decider.

What a text looks like is found out here and attached; what follows from it is decided there, so that a replay
decides the same when nobody can read the text any more.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiohttp import web

from gateways.chat.context import Chat, chat_of
from gateways.chat.copies import authors_of
from gateways.chat.rights import privileged
from gateways.chat.said import Refused
from gateways.core import asking
from gateways.core.app import CORE
from gateways.core.principal import Principal, principal_of
from gateways.core.problem import retry_later
from gateways.core.rates import Rate
from schemas.chat.views import REQUESTS, TEXT_FIELD, RoomDocument, message_id_of
from schemas.event import deterministic_id
from schemas.wiring import REFUSED, REPEATED
from streams.core.screening.clean import MessageUnfit, clean_message
from streams.core.screening.features import is_emote_only
from streams.core.screening.screen import repeat_form, screen
from streams.core.sealing import SubjectForgotten

ROOM_PACE: Final = Rate(6000, 10)
"""Of all that one gateway takes for one room."""
HELD: Final = "kinolog.chat.MessageHeld"
SENT: Final = frozenset((HELD, "kinolog.chat.MessageAccepted", "kinolog.chat.MessageShadowed"))
"""What a message that was sent leads to first."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes, from where: what decisions need beside the text."""

    principal: Principal
    device_hash: str | None
    network_hash: str | None

    @property
    def account_id(self) -> str:
        """Whose messages they are. Raises Refused for those without an account."""
        if self.principal.account_id is None:
            raise Refused("no_account", "Sign in with an account to write: this credential is nobody's.")
        return self.principal.account_id


def sender_of(request: web.Request) -> Sender:
    """The caller as a room's rules see it."""
    hashes, told = chat_of(request).hashes, request.headers
    return Sender(
        principal_of(request),
        hashes.device(told.get("User-Agent", ""), told.get("Accept-Language", "")),
        hashes.network(request.app[CORE].config.proxies.network(request)),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a message: `state` is accepted or held; `delta_id` where it stands, if it is known."""

    message_id: str
    state: Literal["accepted", "held"]
    delta_id: int | None


async def send(
    chat: Chat,
    room: RoomDocument,
    sender: Sender,
    order: AbstractAsyncContextManager[Any],
    client_id: str,
    text: str,
    *,
    reply_to: str | None = None,
    media_ms: int | None = None,
    mentions: Sequence[str] = (),
) -> Said:
    """Sent again with the same `client_id`, it is the same message. `order` is held until it is on the log.

    Raises Refused, and Problem 503 where nothing is known in time.
    """
    message_id = message_id_of(room["room_id"], sender.account_id, client_id)
    first = deterministic_id("chat.message", message_id)
    if chat.pace.take([room["room_id"]], [ROOM_PACE], int(chat.clock() * 1e6))[0].wait_us:
        raise Refused("room_busy", "More is written into this room than anybody can read: try again.")
    if reply_to is not None:
        await _known(chat, room, reply_to)
    async with order:
        data = await _written(chat, room, sender, message_id, text, mentions)
        data |= {
            "reply_to": reply_to,
            "media_ms": media_ms,
            "device_hash": sender.device_hash,
            "network_hash": sender.network_hash,
        }
        await chat.turns.wait(chat.feeds.pace_s(room["room_id"]))
        request_id = chat.acks.attempt(first)
        answer = await publish(chat, "MessageSubmitted", data, request_id, message_id)
    outcome = await _decided(chat, first, request_id, answer)
    if outcome["type"] != REPEATED:
        return _said(message_id, outcome)
    # Where its window has moved on, or what became of it is not known any more, the other one tells.
    place, led_to = (await chat.feeds.feed(room["room_id"])).place(message_id), outcome.get("first")
    if place is None and led_to not in SENT:
        raise Refused("repeated", "It was sent before, and is not among the room's newest: write it anew.")
    return Said(message_id, "held" if place is None and led_to == HELD else "accepted", place)


async def edit(
    chat: Chat,
    room: RoomDocument,
    sender: Sender,
    order: AbstractAsyncContextManager[Any],
    message_id: str,
    text: str,
    mentions: Sequence[str] = (),
) -> Said:
    """The same text again is the same edit. Raises as `send` does."""
    async with order:
        data = await _written(chat, room, sender, message_id, text, mentions)
        first = deterministic_id("chat.edit", message_id, sender.account_id, text)
        request_id = chat.acks.attempt(first)
        answer = await publish(chat, "EditRequested", data, request_id)
    outcome = await _decided(chat, first, request_id, answer)
    if outcome["type"] == REPEATED:
        shown = (await chat.feeds.feed(room["room_id"])).messages(sender.account_id)
        if (message_id, clean_message(text)) not in ((each["message_id"], each["text"]) for each in shown):
            raise Refused("repeated", "It was asked before, and the message reads otherwise by now.")
    return _said(message_id, outcome)


async def _known(chat: Chat, room: RoomDocument, message_id: str) -> None:
    """Raises Refused unless the room has, or had, such a message."""
    if (await chat.feeds.feed(room["room_id"])).place(message_id) is None:
        await authors_of(chat, room, [message_id])


async def _written(
    chat: Chat, room: RoomDocument, sender: Sender, message_id: str, text: str, mentions: Sequence[str]
) -> dict[str, Any]:
    try:
        cleaned = clean_message(text)
    except MessageUnfit as unfit:
        raise Refused(unfit.code, str(unfit)) from unfit
    rules = await chat.room_rules.of(room)
    try:
        sealed = await chat.sealer.seal(sender.account_id, TEXT_FIELD, cleaned)
    except SubjectForgotten as gone:
        raise Refused("no_account", "The account was erased: nothing of it is kept.") from gone
    return {
        "room_id": room["room_id"],
        "message_id": message_id,
        "account_id": sender.account_id,
        "privileged": privileged(sender.principal, room),
        "text_sealed": base64.b64encode(sealed).decode(),
        "text_hash": chat.hashes.text(repeat_form(cleaned)),
        "only_emotes": is_emote_only(cleaned),
        "mentions": list(mentions),
        "findings": screen(cleaned, rules),
        "rules_version": room["rules_version"],
    }


async def publish(
    chat: Chat, name: str, data: dict[str, Any], request_id: str, message_id: str = ""
) -> asyncio.Future[Any]:
    """Put any request to a room's decider on the log; give the result to `answered`. Raises Problem 503."""
    answer = chat.acks.expect(data["room_id"], request_id, message_id)
    type_name = f"kinolog.chat.{name}"
    await asking.publish(chat.producer, REQUESTS, data["room_id"], type_name, data, request_id)
    return answer


async def answered(answer: asyncio.Future[Any]) -> dict[str, Any]:
    """The outcome of a request. Raises Refused, Problem 503."""
    outcome: dict[str, Any] | None = await answer
    if outcome is None:
        raise retry_later(
            "unavailable", "What became of it is not known yet; send it again: it will not be there twice."
        )
    if outcome["type"] == REFUSED:
        raise Refused(outcome["data"]["code"], outcome["data"]["detail"])
    return outcome


async def _decided(chat: Chat, first: str, request_id: str, answer: asyncio.Future[Any]) -> dict[str, Any]:
    """As `answered`; what is refused may be sent again."""
    try:
        return await answered(answer)
    except Refused:
        chat.acks.refused(first, request_id)
        raise


def _said(message_id: str, outcome: dict[str, Any]) -> Said:
    return Said(message_id, "held" if outcome["type"] == HELD else "accepted", outcome.get("id"))
