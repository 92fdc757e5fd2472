"""What a client of the socket says in a room that it listens to, one function a word of the protocol."""

from __future__ import annotations

import uuid
from typing import Any, Final

from gateways.chat import said
from gateways.chat.copies import authors_of
from gateways.chat.reactions import REACTIONS
from gateways.chat.rights import privileged
from gateways.chat.rooms import find_room
from gateways.chat.said import Message, Refused
from gateways.chat.seats import Party
from gateways.chat.sending import answered, edit, publish, send
from gateways.core.rates import Rate
from schemas.chat.views import RoomDocument, message_id_of

REACTING: Final = Rate(20, 5)
TYPING: Final = Rate(3, 5)
READING: Final = Rate(5, 5)


async def say(party: Party, message: Message) -> None:
    """A message into a room."""
    client_id = said.client_id(message)
    room = party.writing(message)
    await party.counted()
    sent = await send(
        party.chat, room, party.sender(), party.order, client_id, said.required(message, "text"),
        reply_to=said.optional_id(message, "reply_to"), media_ms=said.media_ms(message),
        mentions=said.mentions(message),
    )  # fmt: skip
    party.socket.say(
        {
            "type": "sent", "room": room["room_id"], "client_id": client_id,
            "message_id": sent.message_id, "id": sent.delta_id, "state": sent.state,
        }
    )  # fmt: skip


async def change(party: Party, message: Message) -> None:
    """Another text for a message of one's own, by its id or the client's."""
    room, sender = party.writing(message), party.sender()
    await party.counted()
    message_id = said.optional_id(message, "message_id")
    if message_id is None:
        message_id = message_id_of(room["room_id"], sender.account_id, said.client_id(message))
    edited = await edit(
        party.chat, room, sender, party.order, message_id, said.required(message, "text"),
        said.mentions(message),
    )  # fmt: skip
    answer = {"type": "edited", "room": room["room_id"], "message_id": message_id, "state": edited.state}
    party.socket.say(answer | ({"client_id": message["client_id"]} if "client_id" in message else {}))


async def remove(party: Party, message: Message) -> None:
    """Messages of one's own, or anybody's where one moderates."""
    room = party.writing(message)
    await party.counted()
    message_ids = said.ids(message, "message_ids", said.MOST_REMOVED)
    fresh = await find_room(party.chat, room["room_id"]) or room  # the newest messages are in it
    messages = await authors_of(party.chat, fresh, message_ids)
    data = {**_act(party, room), "messages": messages, "reason": said.reason(message)}
    await answered(await publish(party.chat, "RemovalRequested", data, uuid.uuid4().hex))
    party.done(message)


async def react(party: Party, message: Message) -> None:
    """To a message, or to the room at this moment. There is no answer unless it is refused."""
    room = party.writing(message)
    reaction, message_id = said.required(message, "reaction"), said.optional_id(message, "message_id")
    if reaction not in REACTIONS:
        raise Refused("malformed", f"reaction must be one of {' '.join(REACTIONS)}.")
    if not party.allowed("react", REACTING):
        raise Refused("too_fast", f"At most {REACTING.most} reactions in {REACTING.per_s} s.")
    if not await party.chat.sanctions.silenced(room["room_id"], _account(party)):
        party.chat.reactions.give(room["room_id"], message_id, reaction)


async def typing(party: Party, message: Message) -> None:
    """Shown to the others for a moment; what comes too fast is dropped, since more of it says no more."""
    room, account_id = party.writing(message), _account(party)
    if party.allowed("typing", TYPING) and not await party.chat.sanctions.silenced(
        room["room_id"], account_id
    ):
        await party.chat.live.typing(room["room_id"], account_id)


async def read(party: Party, message: Message) -> None:
    """Up to which delta somebody has read; as `typing`."""
    room, delta_id = party.writing(message), said.delta_id(message)
    if party.allowed("read", READING):
        await party.chat.live.read(room["room_id"], _account(party), delta_id)


async def follow(party: Party, message: Message) -> None:
    """Become a follower of the room."""
    await _follow(party, message, added=True)


async def unfollow(party: Party, message: Message) -> None:
    """Be a follower, or a member, no more."""
    await _follow(party, message, added=False)


async def _follow(party: Party, message: Message, *, added: bool) -> None:
    room = party.writing(message)
    await party.counted()
    data = {**_act(party, room), "account_ids": [_account(party)], "kind": "follower", "added": added}
    await answered(await publish(party.chat, "MembersChangeRequested", data, uuid.uuid4().hex))
    party.done(message)


def _account(party: Party) -> str:
    return party.sender().account_id


def _act(party: Party, room: RoomDocument) -> dict[str, Any]:
    principal = party.socket.principal
    return {
        "room_id": room["room_id"],
        "actor_id": principal.actor,
        "privileged": privileged(principal, room),
    }
