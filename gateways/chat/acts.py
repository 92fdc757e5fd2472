"""What was done to an account in a room: sanctions, and what was taken away of what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateways.chat.context import Chat
from gateways.chat.desk_models import Act, Actor
from gateways.chat.past import table
from schemas.chat.views import ADMINISTRATOR

MOST: Final = 50
_ACTS: Final[Mapping[str, str]] = {
    "timeout": "timeout",
    "ban": "ban",
    "shadow": "shadow_ban",
    "lifted": "lifted",
    "purged": "purged",
    "removed": "removed",
    "rejected": "rejected",
    "declined": "rejected",
}


async def done_to(chat: Chat, room_id: str, account_id: str) -> list[Act]:
    """The newest MOST acts, the newest first; what the account did itself is none. Raises HistoryUnavailable.

    One act on many messages is one. The history is a moment behind the log.
    """
    name = await table(chat)
    rows = await chat.history.query(
        f"SELECT at_ms, kind, actor_id, rule, rules_version, reason, until_ms FROM {name} "  # noqa: S608  # our own name
        "WHERE room_id = {room:String} AND actor_id != {account:String} AND ("
        "(account_id = {account:String} AND kind IN "
        "('timeout', 'ban', 'shadow', 'lifted', 'purged', 'rejected')) "
        "OR (kind IN ('removed', 'declined') AND message_id IN ("
        f"SELECT message_id FROM {name} WHERE room_id = {{room:String}} "
        "AND account_id = {account:String} AND kind IN ('message', 'held', 'shadowed')))) "
        "ORDER BY offset DESC LIMIT 1 BY offset, kind LIMIT {limit:UInt32}",
        {"room": room_id, "account": account_id, "limit": MOST},
    )
    actors = {str(row["actor_id"]) for row in rows} - {"", ADMINISTRATOR}
    names = {ADMINISTRATOR: None, **await chat.opener.people.there(actors)}
    said = chat.room_rules.said
    return [
        _act(row, names, await said(room_id, str(row["rule"]), int(row["rules_version"]))) for row in rows
    ]


def _act(row: Mapping[str, Any], names: Mapping[str, str | None], rule: str) -> Act:
    actor_id = str(row["actor_id"])
    return Act.model_validate(
        {
            "at_ms": row["at_ms"],
            "act": _ACTS[str(row["kind"])],
            "by": Actor(id=actor_id, name=names[actor_id]) if actor_id in names else None,
            # Of removals the rule says by whom, which `by` does.
            "reason": _reason(row) or (rule if row["kind"] == "rejected" else ""),
            "until_ms": row["until_ms"],
        }
    )


def _reason(row: Mapping[str, Any]) -> str:
    """That somebody lifted it is no reason; that its time was over is one."""
    return "" if row["kind"] == row["reason"] == "lifted" else str(row["reason"])
