"""What a room shows its visitors: its document, its members, and the stream of its newest deltas. Pure.

`rooms` folds chat.room.events into what `schemas.chat.views` says of `chat.rooms`. A delta is added to the
room's stream and published in one write, so whoever hears of it finds it there. What is removed leaves the
stream: its message, its other texts, and where it was pinned; a tombstone tells those who have seen it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import orjson

from schemas.chat.views import (
    MOST_REACTED,
    MOST_RECENT,
    NO_DELTA,
    RECENT,
    STREAM_LENGTH,
    MemberView,
    PinnedView,
    RoomDocument,
    members_suffix,
    stream_suffix,
)
from schemas.event import Event
from streams.engine import Op

_XDEL_AT_ONCE: Final = 2000

Said = tuple[dict[str, Any] | None, list[Op]]  # a delta without its place, and what else is written


def rooms(state: RoomDocument | None, event: Event) -> tuple[RoomDocument | None, list[Op]]:
    """One room's document after an event; None while there is no room."""
    if event.type == "kinolog.chat.RoomCreated":
        return _created(event), [Op("ZADD", RECENT, event.at_ms, event.key)]
    change = _CHANGES.get(event.type)
    if state is None or change is None:
        return state, []
    document: RoomDocument = {**state, "updated_at_ms": event.at_ms}
    delta, ops = change(document, event)
    if delta is None:
        return document, ops
    suffix, offset = stream_suffix(event.key), event.offset
    placed = orjson.dumps({"id": offset, "prev": state["last"], "at_ms": event.at_ms, **delta})
    document["last"] = offset
    ops.append(Op("XADD", suffix, "MAXLEN", "=", STREAM_LENGTH, f"{offset}-0", "d", placed))
    ops.append(Op("SPUBLISH", suffix, placed))
    return document, ops


def _created(event: Event) -> RoomDocument:
    data = event.data
    return {
        "room_id": event.key,
        "asset_id": data["asset_id"],
        "owner_id": data["owner_id"],
        "settings": data["settings"],
        "moderators": [],
        "pinned": [],
        "reactions": {},
        "rules_version": 0,
        "member_count": 0,
        "follower_count": 0,
        "message_count": 0,
        "created_at_ms": event.at_ms,
        "updated_at_ms": event.at_ms,
        "last": NO_DELTA,
        "entries": {},
        "reacted": {},
    }


# --- messages


def _message(document: RoomDocument, event: Event) -> Said:
    data = event.data
    document["message_count"] += 1
    _holds(document, data["message_id"], event.offset)
    return {"kind": "message", **_body(data, _BODY)}, []


def _shadowed(document: RoomDocument, event: Event) -> Said:
    data = event.data
    _holds(document, data["message_id"], event.offset)
    return {"kind": "message", "only": data["account_id"], **_body(data, _BODY)}, []


def _edited(document: RoomDocument, event: Event) -> Said:
    data = event.data
    message_id = data["message_id"]
    _holds(document, message_id, event.offset)
    only = {"only": data["account_id"]} if data["shadow"] else {}
    if not data["shadow"]:
        document["pinned"] = [
            cast(
                "PinnedView",
                {**pin, "message": {**pin["message"], **_body(data, ("text_sealed", "mentions"))}},
            )
            if pin["message"]["message_id"] == message_id
            else pin
            for pin in document["pinned"]
        ]
    return {"kind": "edited", **only, **_body(data, _EDIT)}, []


def _removed(document: RoomDocument, event: Event) -> Said:
    data = event.data
    ops = _without(document, event.key, data["message_ids"])
    return {"kind": "removed", "message_ids": data["message_ids"], "by": data["by"]}, ops


def _declined(_: RoomDocument, event: Event) -> Said:
    data = event.data
    author = data["account_id"]
    if author in ("", data["actor_id"]):
        return None, []  # who took it back knows
    return {"kind": "declined", "only": author, "message_ids": data["message_ids"]}, []


def _purged(document: RoomDocument, event: Event) -> Said:
    data = event.data
    # A pinned one may be older than all that the room's decider remembers.
    pinned = [pin["message"] for pin in document["pinned"]]
    theirs = [each["message_id"] for each in pinned if each["account_id"] == data["account_id"]]
    ops = _without(document, event.key, [*data["message_ids"], *theirs])
    return {"kind": "purged", **_body(data, ("account_id", "message_ids"))}, ops


def _holds(document: RoomDocument, message_id: str, offset: int) -> None:
    """This delta has the message's text in it."""
    entries = dict(document["entries"])
    entries[message_id] = [*entries.pop(message_id, ()), offset]
    while len(entries) > MOST_RECENT:  # those of older messages have left the stream
        del entries[next(iter(entries))]
    document["entries"] = entries


def _without(document: RoomDocument, room_id: str, message_ids: Iterable[str]) -> list[Op]:
    """Nothing that shows these messages stays in the document or the stream."""
    gone = dict.fromkeys(message_ids)
    document["pinned"] = [pin for pin in document["pinned"] if pin["message"]["message_id"] not in gone]
    entries = dict(document["entries"])
    offsets = [offset for message_id in gone for offset in entries.pop(message_id, ())]
    document["entries"] = entries
    return _deleted(room_id, offsets)


def _deleted(room_id: str, offsets: list[int]) -> list[Op]:
    ids = [f"{offset}-0" for offset in offsets]
    parts = [ids[n : n + _XDEL_AT_ONCE] for n in range(0, len(ids), _XDEL_AT_ONCE)]
    return [Op("XDEL", stream_suffix(room_id), *part) for part in parts]


# --- what stands beside them


def _pinned(document: RoomDocument, event: Event) -> Said:
    message = event.data["message"]
    pin: PinnedView = {
        "message": message,
        "actor_id": event.data["actor_id"],
        "pinned_at_ms": event.at_ms,
        "delta": event.offset,
    }
    document["pinned"] = [*document["pinned"], pin]
    _holds(document, message["message_id"], event.offset)
    return {"kind": "pinned", "message": message}, []


def _unpinned(document: RoomDocument, event: Event) -> Said:
    message_id = event.data["message_id"]
    gone = [pin["delta"] for pin in document["pinned"] if pin["message"]["message_id"] == message_id]
    document["pinned"] = [pin for pin in document["pinned"] if pin["message"]["message_id"] != message_id]
    if message_id in document["entries"]:
        left = [offset for offset in document["entries"][message_id] if offset not in gone]
        document["entries"] = {**document["entries"], message_id: left}
    return {"kind": "unpinned", "message_id": message_id}, _deleted(event.key, gone)


def _reacted(document: RoomDocument, event: Event) -> Said:
    data = event.data
    target = data["message_id"] or ""
    if not target:
        document["reactions"] = data["totals"]
    # Its totals say all that the one before said: of each target one stays, so that applause, which never
    # ends, does not push the messages out of the stream.
    reacted = dict(document["reacted"])
    before = [reacted.pop(target)] if target in reacted else []
    reacted[target] = event.offset
    while len(reacted) > MOST_REACTED:
        del reacted[next(iter(reacted))]
    document["reacted"] = reacted
    delta = {"kind": "reactions", "message_id": data["message_id"], "reactions": data["counts"]}
    return {**delta, "totals": data["totals"]}, _deleted(event.key, before)


def _room_changed(document: RoomDocument, event: Event) -> Said:
    document["settings"] = event.data["settings"]
    return {"kind": "room", "settings": event.data["settings"]}, []


def _screening_changed(document: RoomDocument, event: Event) -> Said:
    document["rules_version"] = event.data["version"]
    return {"kind": "screening", "rules_version": event.data["version"]}, []


def _moderators_changed(document: RoomDocument, event: Event) -> Said:
    document["moderators"] = event.data["moderators"]
    return {"kind": "moderators", "moderators": event.data["moderators"]}, []


def _members_changed(document: RoomDocument, event: Event) -> Said:
    data, suffix = event.data, members_suffix(event.key)
    document["member_count"] = data["member_count"]
    document["follower_count"] = data["follower_count"]
    if data["added"]:
        view: MemberView = {"kind": data["kind"], "joined_at_ms": event.at_ms}
        text = orjson.dumps(view)
        ops = [Op("HSET", suffix, account_id, text) for account_id in data["account_ids"]]
    else:
        ops = [Op("HDEL", suffix, account_id) for account_id in data["account_ids"]]
    if data["kind"] == "follower":
        return None, ops  # nobody sees or misses anything by it, and crowds come at once
    return {"kind": "membership", **_body(data, ("account_ids", "added"))}, ops


def _sanctioned(document: RoomDocument, event: Event) -> Said:
    data = event.data
    if data["kind"] == "shadow":
        return None, []  # the one it is about must not see that anything happened
    only = data["account_id"]
    said = {"sanction": data["kind"], **_body(data, ("until_ms", "reason"))}
    return {"kind": "sanction", "only": only, **said}, []


def _lifted(document: RoomDocument, event: Event) -> Said:
    data = event.data
    if data["kind"] == "shadow":
        return None, []
    return {"kind": "lifted", "only": data["account_id"], "sanction": data["kind"]}, []


def _body(data: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: data[name] for name in names}


_BODY: Final = (
    "message_id", "account_id", "text_sealed", "mentions", "reply_to", "media_ms", "sent_at_ms",
)  # fmt: skip
_EDIT: Final = ("message_id", "account_id", "text_sealed", "mentions", "edit_number")
_CHANGES: Final[dict[str, Callable[[RoomDocument, Event], Said]]] = {
    "kinolog.chat.MessageAccepted": _message,
    "kinolog.chat.MessageShadowed": _shadowed,
    "kinolog.chat.MessageEdited": _edited,
    "kinolog.chat.MessagesRemoved": _removed,
    "kinolog.chat.HeldRejected": _declined,
    "kinolog.chat.MessagesPurged": _purged,
    "kinolog.chat.MessagePinned": _pinned,
    "kinolog.chat.MessageUnpinned": _unpinned,
    "kinolog.chat.ReactionsCounted": _reacted,
    "kinolog.chat.RoomChanged": _room_changed,
    "kinolog.chat.ScreeningChanged": _screening_changed,
    "kinolog.chat.ModeratorsChanged": _moderators_changed,
    "kinolog.chat.MembersChanged": _members_changed,
    "kinolog.chat.MemberSanctioned": _sanctioned,
    "kinolog.chat.SanctionLifted": _lifted,
}
