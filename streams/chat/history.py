"""What was ever said in rooms, and what became of it: rows of `chat_messages`. Pure.

One row for each message that an event touches, and one for each sanction. Rows are facts and never change:
what a room shows of them is asked by `schemas.chat.history.history_sql`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.event import Event

Row = dict[str, Any]


def rows(event: Event) -> list[Row]:
    """The rows of one event of chat.room.events."""
    made = _ROWS.get(event.type)
    return [{**_blank(event), **row} for row in made(event.data)] if made is not None else []


def _blank(event: Event) -> Row:
    return {
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "room_id": event.key,
        "message_id": "",
        "account_id": "",
        "at_ms": event.at_ms,
        "sent_at_ms": event.at_ms,
        "media_ms": None,
        "kind": "",
        "text_sealed": "",
        "mentions": [],
        "reply_to": "",
        "rule": "",
        "rules_version": 0,
        "score": None,
        "actor_id": "",
        "reason": "",
        "until_ms": None,
        "totals": {},
    }


def _text(kind: str, data: dict[str, Any], **more: Any) -> Row:
    row = {name: data[name] for name in ("message_id", "account_id", "text_sealed", "mentions")}
    return {"kind": kind, **row, "rules_version": data["rules_version"], **more}


def _body(kind: str, data: dict[str, Any], **more: Any) -> Row:
    place = {"reply_to": data["reply_to"] or "", "media_ms": data["media_ms"]}
    return _text(kind, data, **place, **more)


def _accepted(data: dict[str, Any]) -> list[Row]:
    reviewer = data["reviewer_id"] or ""
    return [_body("message", data, sent_at_ms=data["sent_at_ms"], actor_id=reviewer)]


def _shadowed(data: dict[str, Any]) -> list[Row]:
    return [_body("shadowed", data, sent_at_ms=data["sent_at_ms"])]


def _edited(data: dict[str, Any]) -> list[Row]:
    kind = "shadow_edited" if data["shadow"] else "edited"
    return [_text(kind, data, actor_id=data["reviewer_id"] or "")]


def _held(data: dict[str, Any]) -> list[Row]:
    judged = {"rule": data["rule"], "score": data["score"]}
    return [_body("held", data, sent_at_ms=data["sent_at_ms"], **judged)]


def _rejected(data: dict[str, Any]) -> list[Row]:
    return [_body("rejected", data, rule=data["rule"], score=data["score"])]


def _declined(data: dict[str, Any]) -> list[Row]:
    row = {"kind": "declined", "actor_id": data["actor_id"]}
    return [{**row, "message_id": message_id} for message_id in data["message_ids"]]


def _removed(data: dict[str, Any]) -> list[Row]:
    row = {"kind": "removed", "rule": data["by"], "actor_id": data["actor_id"], "reason": data["reason"]}
    return [{**row, "message_id": message_id} for message_id in data["message_ids"]]


def _purged(data: dict[str, Any]) -> list[Row]:
    return [{"kind": "purged", **{name: data[name] for name in ("account_id", "actor_id", "reason")}}]


def _reported(data: dict[str, Any]) -> list[Row]:
    message_id = data["message"]["message_id"]
    row = {"kind": "reported", "message_id": message_id, "reason": data["reason"]}
    return [{**row, "account_id": data["account_id"]}]


def _sanctioned(data: dict[str, Any]) -> list[Row]:
    named = {name: data[name] for name in ("kind", "account_id", "actor_id", "reason", "until_ms")}
    return [named]


def _lifted(data: dict[str, Any]) -> list[Row]:
    return [{"kind": "lifted", **{name: data[name] for name in ("account_id", "actor_id", "reason")}}]


def _reactions(data: dict[str, Any]) -> list[Row]:
    return [{"kind": "reactions", "message_id": data["message_id"] or "", "totals": data["totals"]}]


_ROWS: Final[dict[str, Callable[[dict[str, Any]], list[Row]]]] = {
    "kinolog.chat.MessageAccepted": _accepted,
    "kinolog.chat.MessageShadowed": _shadowed,
    "kinolog.chat.MessageEdited": _edited,
    "kinolog.chat.MessageHeld": _held,
    "kinolog.chat.MessageRejected": _rejected,
    "kinolog.chat.HeldRejected": _declined,
    "kinolog.chat.MessagesRemoved": _removed,
    "kinolog.chat.MessagesPurged": _purged,
    "kinolog.chat.MessageReported": _reported,
    "kinolog.chat.MemberSanctioned": _sanctioned,
    "kinolog.chat.SanctionLifted": _lifted,
    "kinolog.chat.ReactionsCounted": _reactions,
}
