"""What waits for a room's moderators, and what they have laid down. Pure.

`desk` folds chat.room.events into what `schemas.chat.views` says of `chat.desk`. A message leaves the desk by
a moderator's decision, and with its removal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from schemas.chat.views import (
    KEPT_RULES,
    NO_DELTA,
    DeskDocument,
    HeldView,
    ReportView,
    SanctionView,
    desk_suffix,
    sanctions_suffix,
    screening_suffix,
)
from schemas.event import Event
from streams.engine import Op

Said = tuple[dict[str, Any] | None, list[Op]]  # a delta without its place, and what else is written


def desk(state: DeskDocument | None, event: Event) -> tuple[DeskDocument | None, list[Op]]:
    """The desk of one room after an event; None while there is no room."""
    if event.type == "kinolog.chat.RoomCreated":
        return {"held": {}, "reports": {}, "last": NO_DELTA}, []
    change = _CHANGES.get(event.type)
    if state is None or change is None:
        return state, []
    document: DeskDocument = {**state}
    delta, ops = change(document, event)
    if delta is None:
        return document, ops
    document["last"] = event.offset
    place = {"id": event.offset, "prev": state["last"], "at_ms": event.at_ms}
    ops.append(Op("SPUBLISH", desk_suffix(event.key), orjson.dumps({**place, **delta})))
    return document, ops


def _held(document: DeskDocument, event: Event) -> Said:
    data = event.data
    view: HeldView = {
        "message": {
            "message_id": data["message_id"],
            "account_id": data["account_id"],
            "text_sealed": data["text_sealed"],
            "sent_at_ms": data["sent_at_ms"],
            "mentions": data["mentions"],
            "reply_to": data["reply_to"],
            "media_ms": data["media_ms"],
        },
        "edit": data["edit"],
        "rule": data["rule"],
        "score": data["score"],
        "rules_version": data["rules_version"],
        "held_at_ms": event.at_ms,
    }
    held = {m: each for m, each in document["held"].items() if m != data["message_id"]}
    document["held"] = {**held, data["message_id"]: view}
    return {"kind": "held", "held": view}, []


def _reported(document: DeskDocument, event: Event) -> Said:
    data = event.data
    message_id = data["message"]["message_id"]
    before = document["reports"].get(message_id)
    reasons = dict(before["reasons"]) if before else {}
    reasons[data["reason"]] = reasons.get(data["reason"], 0) + 1
    view: ReportView = {
        "message": data["message"],
        "reasons": reasons,
        "reporters": data["reporters"],
        "reported_at_ms": before["reported_at_ms"] if before else event.at_ms,
    }
    document["reports"] = {**document["reports"], message_id: view}
    return {"kind": "reported", "report": view}, []


def _rejected(_: DeskDocument, event: Event) -> Said:
    data = event.data
    delta = {"kind": "rejected", "message_ids": [data["message_id"]]}
    return {**delta, **{name: data[name] for name in ("account_id", "rule", "rules_version")}}, []


def _let_through(document: DeskDocument, event: Event) -> Said:
    return _decided(document, [event.data["message_id"]], reports=False)


def _turned_down(document: DeskDocument, event: Event) -> Said:
    return _decided(document, event.data["message_ids"], reports=False)


def _dismissed(document: DeskDocument, event: Event) -> Said:
    return _decided(document, event.data["message_ids"], held=False)


def _removed(document: DeskDocument, event: Event) -> Said:
    return _decided(document, event.data["message_ids"])


def _purged(document: DeskDocument, event: Event) -> Said:
    account_id = event.data["account_id"]
    parts: Iterable[dict[str, Any]] = (document["held"], document["reports"])
    theirs = [
        message_id
        for part in parts
        for message_id, each in part.items()
        if each["message"]["account_id"] == account_id
    ]
    return _decided(document, list(dict.fromkeys(theirs)))


def _decided(
    document: DeskDocument, message_ids: list[str], *, held: bool = True, reports: bool = True
) -> Said:
    """These are off the desk; most events are about messages that were never on it."""
    found = [
        m for m in message_ids if (held and m in document["held"]) or (reports and m in document["reports"])
    ]
    if not found:
        return None, []
    if held:
        document["held"] = {m: each for m, each in document["held"].items() if m not in found}
    if reports:
        document["reports"] = {m: each for m, each in document["reports"].items() if m not in found}
    return {"kind": "decided", "message_ids": found}, []


def _sanctioned(_: DeskDocument, event: Event) -> Said:
    data = event.data
    view: SanctionView = {
        "kind": data["kind"],
        "until_ms": data["until_ms"],
        "with_device": data["with_device"],
        "with_network": data["with_network"],
        "actor_id": data["actor_id"],
        "reason": data["reason"],
        "at_ms": event.at_ms,
    }
    op = Op("HSET", sanctions_suffix(event.key), data["account_id"], orjson.dumps(view))
    return {"kind": "sanction", "account_id": data["account_id"], "sanction": view}, [op]


def _lifted(_: DeskDocument, event: Event) -> Said:
    account_id = event.data["account_id"]
    op = Op("HDEL", sanctions_suffix(event.key), account_id)
    return {"kind": "lifted", "account_id": account_id, "sanction": None}, [op]


def _screening_changed(_: DeskDocument, event: Event) -> Said:
    version, suffix = event.data["version"], screening_suffix(event.key)
    ops = [Op("HSET", suffix, str(version), event.data["rules"])]
    if version > KEPT_RULES:
        ops.append(Op("HDEL", suffix, str(version - KEPT_RULES)))
    return {"kind": "screening", "rules_version": version}, ops


_CHANGES: Final[dict[str, Callable[[DeskDocument, Event], Said]]] = {
    "kinolog.chat.MessageHeld": _held,
    "kinolog.chat.MessageReported": _reported,
    "kinolog.chat.MessageRejected": _rejected,
    "kinolog.chat.MessageAccepted": _let_through,
    "kinolog.chat.MessageEdited": _let_through,
    "kinolog.chat.HeldRejected": _turned_down,
    "kinolog.chat.ReportsDismissed": _dismissed,
    "kinolog.chat.MessagesRemoved": _removed,
    "kinolog.chat.MessagesPurged": _purged,
    "kinolog.chat.MemberSanctioned": _sanctioned,
    "kinolog.chat.SanctionLifted": _lifted,
    "kinolog.chat.ScreeningChanged": _screening_changed,
}
